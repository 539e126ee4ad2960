import { FONT, themeCss } from "./figures/figure.ts";

/** The page's style sheet: no web fonts, nothing to fetch, light and dark by the reader's setting, and fit for print. */
export const PAGE_STYLE = `
${themeCss(":root")}
*{box-sizing:border-box}
body{margin:0 auto;padding:2.5rem 1.5rem 5rem;max-width:60rem;background:var(--nf-surface);color:var(--nf-ink);
font:400 .9375rem/1.5 ${FONT};font-variant-numeric:tabular-nums;-webkit-text-size-adjust:100%}
i{font-style:normal;white-space:nowrap}
a{color:var(--nf-measured)}
h1,h2,h3,h4{line-height:1.2;text-wrap:balance;margin:0}
.kicker{color:var(--nf-muted);font-size:.8125rem;margin:0 0 .375rem}
h1{font-size:clamp(1.4375rem,5vw,1.875rem);font-weight:680;letter-spacing:-.015em}
h2{font-size:clamp(1.25rem,4.5vw,1.5rem);font-weight:660;letter-spacing:-.01em}
h3{font-size:1.0625rem;font-weight:650}
h4,caption{font-size:.8125rem;font-weight:650;text-align:left;color:var(--nf-ink);margin:0;padding:0 0 .375rem}
.lead{font-size:1.0625rem;max-width:46rem;margin:.5rem 0 0;color:var(--nf-muted);text-wrap:pretty}
.note{max-width:46rem;margin:.75rem 0 0;color:var(--nf-muted);font-size:.8125rem}
.group{margin-top:3.5rem;padding-top:2rem;border-top:1px solid var(--nf-faint)}
main:first-child>.group:first-of-type{margin-top:0;padding-top:0;border-top:0}
figure{margin:1.75rem 0 0;overflow-x:auto}
figure svg{display:block;width:100%;height:auto}
figure .narrow{display:none}
figcaption{color:var(--nf-muted);font-size:.8125rem;max-width:46rem;margin-top:.5rem}
.tables{display:flex;flex-wrap:wrap;align-items:flex-start;gap:2.25rem 3rem;margin-top:2.25rem}
.scroll{overflow-x:auto;max-width:100%}
table{border-collapse:collapse;font-size:.8125rem}
th,td{padding:.25rem 0 .25rem 1.375rem;text-align:right;font-weight:400;white-space:nowrap;vertical-align:baseline}
th:first-child,td:first-child{padding-left:0}
thead th{color:var(--nf-muted);border-bottom:1px solid var(--nf-muted)}
tbody tr+tr>*{border-top:1px solid var(--nf-faint)}
.words{text-align:left}
header td.words{white-space:normal;min-width:11rem}
td b,th b{font-weight:680;color:var(--nf-measured)}
.lead b{font-weight:600;color:var(--nf-ink)}
abbr{text-decoration:none;color:var(--nf-measured);margin-right:-.6em}
.facts{flex:1 1 24rem;min-width:min(100%,20rem)}
dl{margin:0;font-size:.8125rem;border-top:1px solid var(--nf-muted)}
dl div{display:grid;grid-template-columns:9.5rem 1fr;gap:1rem;padding:.25rem 0}
dl div+div{border-top:1px solid var(--nf-faint)}
dt{color:var(--nf-muted)}
dd{margin:0;overflow-wrap:anywhere}
code{font:400 .9375em/1.4 ui-monospace,SFMono-Regular,Menlo,Consolas,'Liberation Mono',monospace}
.class{display:inline-block;border:1px solid var(--nf-measured);border-radius:.25rem;padding:0 .375rem}
details{margin-top:1.5rem;border-top:1px solid var(--nf-faint);padding-top:.875rem}
summary{cursor:pointer;font-weight:650}
summary span{font-weight:400;color:var(--nf-muted);margin-left:.5rem}
footer{margin-top:4rem;padding-top:1rem;border-top:1px solid var(--nf-faint);color:var(--nf-muted);font-size:.8125rem}
@media screen and (max-width:38rem){body{padding:1.25rem 1rem 3rem}.lead{font-size:.9375rem}
figure .wide{display:none}figure .narrow{display:block}
.tables{gap:1.75rem;margin-top:1.75rem}table{font-size:.75rem}th,td{padding-left:.625rem}thead th,.words{white-space:normal;hyphens:auto}thead th{vertical-align:bottom}dl div{grid-template-columns:7rem 1fr;gap:.75rem}
.group{margin-top:2.25rem;padding-top:1.5rem}}
@media print{body{max-width:none;padding:0}figure,table,dl{break-inside:avoid}}
`.trim();
