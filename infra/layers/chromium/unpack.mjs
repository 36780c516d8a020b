// `node unpack.mjs FROM TO`: the browser of @sparticuz/chromium as it is run, with `lib` and `fonts.conf` beside it, where the crate `browser`
// looks for them. Unpacked here and not by the function: that would cost each cold start a second, and 200 MB of its disk.

import { execFileSync } from "node:child_process";
import { createReadStream, createWriteStream, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { createBrotliDecompress } from "node:zlib";

const [from, to] = process.argv.slice(2);
rmSync(to, { recursive: true, force: true });
mkdirSync(to, { recursive: true });

const inflate = (name, target, mode) =>
  pipeline(createReadStream(join(from, name)), createBrotliDecompress(), createWriteStream(target, { mode }));

await inflate("chromium.br", join(to, "chromium"), 0o755);
// The libraries that Amazon Linux lacks, and a font. Not its software for 3D.
for (const name of ["al2023.tar", "fonts.tar"]) {
  const archive = join(to, name);
  await inflate(`${name}.br`, archive, 0o644);
  execFileSync("tar", ["--extract", "--no-same-owner", "--file", archive, "--directory", to]);
  rmSync(archive);
}
// Theirs names folders of their own making.
writeFileSync(
  join(to, "fonts.conf"),
  `<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
  <dir prefix="relative">fonts</dir>
  <cachedir>/tmp/fonts-cache</cachedir>
</fontconfig>
`,
);
