// The Content-Disposition of a file: shown where a browser can do so safely, otherwise saved, under its own name.

/** Types that show without running anything. Text is plain to every browser: the type is sent with `nosniff`. */
const shown = /^(image\/(png|jpeg|gif|webp|avif)|video\/(mp4|webm|quicktime)|audio\/(mpeg|wav|mp4)|text\/plain)\b/;

/** RFC 6266 with RFC 5987's encoding; the plain name is for clients that know neither. */
export function contentDisposition(file: { name: string; contentType: string }, isForSaving: { asked: boolean }): string {
  const kind = isForSaving.asked || !shown.test(file.contentType) ? "attachment" : "inline";
  const plain = file.name.replaceAll(/[^\x20-\x7e]|["\\%]/g, "_");
  const encoded = encodeURIComponent(file.name).replaceAll(/['()*]/g, (character) => `%${character.charCodeAt(0).toString(16)}`);
  return plain === file.name ? `${kind}; filename="${plain}"` : `${kind}; filename="${plain}"; filename*=UTF-8''${encoded}`;
}
