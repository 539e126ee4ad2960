import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { escapeText, html, printable } from "./markup.ts";

describe("html", () => {
  test("escapes what comes in, once, and keeps its own markup", () => {
    const name = `</title><script>"&'`;
    expect(html`<b title="${name}">${html`<i>${name}</i>`}</b>`.text).toBe(
      `<b title="&lt;/title&gt;&lt;script&gt;&quot;&amp;&#39;"><i>&lt;/title&gt;&lt;script&gt;&quot;&amp;&#39;</i></b>`,
    );
  });

  test("joins lists and leaves out what is not there", () => {
    expect(html`${[html`<p>`, "<"]}|${undefined}|${false}|${0}`.text).toBe("<p>&lt;|||0");
  });

  test("text has no way out: neither of an element nor of a quoted attribute", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        expect(escapeText(text)).toMatch(/^(?:[^<>"'&]|&(?:amp|lt|gt|quot|#39);)*$/su);
      }),
    );
  });

  test("what has no glyph or turns the direction of others is replaced", () => {
    expect(printable("a\u0000b\u202ec\ud800d\ufffee\n")).toBe("a\ufffdb\ufffdc\ufffdd\ufffde\ufffd");
    expect(printable("Intel® 核 🙂")).toBe("Intel® 核 🙂");
  });
});
