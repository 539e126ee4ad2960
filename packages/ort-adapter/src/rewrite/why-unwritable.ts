/** What the refusal of a file system means for a folder that is to hold a rewrite, in words; undefined for other errors. */
export function whyUnwritable(error: unknown, folder: string): string | undefined {
  const { code, errno } = error as NodeJS.ErrnoException;
  switch (code) {
    case "EXDEV":
      return `${folder} is on another file system than the model: its weights cannot be linked there`;
    case "EPERM":
    case "ENOTSUP":
    case "EMLINK":
      return `${folder} takes no hard links to the model's weights`;
    case "EROFS":
    case "EACCES":
    // What Node says of a folder that cannot be made where nothing can be written.
    case "ENOENT":
      return `${folder} cannot be written`;
    case "ENOSPC":
    case "EDQUOT":
      return `${folder} is full`;
    default:
      return errno === undefined ? undefined : `${folder} cannot be used (${code})`;
  }
}
