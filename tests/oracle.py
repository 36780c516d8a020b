"""Reads what the suite `pages` takes from real pages, by another parser: lxml's, and as XML, which the pages are besides being HTML.

    oracle.py FOLDER URL FILE…

writes a JSON object to standard output: for each file the values that the suite's selectors must give for it, if FOLDER is served at URL.
"""

import json
import re
import sys
from pathlib import Path
from urllib.parse import urlsplit

from lxml import etree

# Unicode's White_Space, which is not quite what Python's split() takes for it.
WHITE_SPACE = re.compile("[\t-\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+")


def text_of(element: etree._Element) -> str:
    """The text of an element and all below it, without comments, its white space collapsed."""
    pieces = element.xpath("descendant-or-self::*/text()")
    return WHITE_SPACE.sub(" ", "".join(pieces)).strip(" ")


def absolute(page: str, link: str) -> str:
    """A link of a page as an absolute URL. (urljoin would drop the empty segment of `images//left.png`.)"""
    link = link.strip()
    parts = urlsplit(link)
    if parts.scheme:
        return parts._replace(path="/").geturl() if parts.netloc and not parts.path else link
    if link.startswith(("/", ".")) or "/.." in link:
        raise ValueError(f"{page} has a link that this does not know how to read: {link}")
    folder = page.rpartition("/")[0]
    return page + link if link.startswith("#") else f"{folder}/{link}"


def named(root: etree._Element, *names: str) -> list[etree._Element]:
    """All elements of these names in the document's order, whatever their namespace."""
    return root.xpath(" | ".join(f"//*[local-name() = '{name}']" for name in names))


def has_class(element: etree._Element, name: str) -> bool:
    return name in element.get("class", "").split()


def read(file: Path, page: str) -> dict[str, object]:
    root = etree.fromstring(file.read_bytes())
    (title,) = named(root, "title")
    anchors = [anchor for anchor in named(root, "a") if anchor.get("href") is not None]
    return {
        "title": text_of(title),
        "language": next((part.get("lang") for body in named(root, "body") for part in body if part.get("lang")), None),
        "headings": [text_of(heading) for heading in named(root, "h1", "h2", "h3", "h4")],
        "paragraphs": [text_of(block) for block in named(root, "div") if has_class(block, "para")],
        "code": [text_of(code) for code in named(root, "code") if has_class(code, "literal")],
        "images": [absolute(page, image.get("src")) for image in named(root, "img")],
        "links": [{"link": absolute(page, anchor.get("href")), "text": text_of(anchor)} for anchor in anchors],
    }


def main(folder: str, url: str, *files: str) -> None:
    values = {file: read(Path(folder, file), f"{url}/{file}") for file in files}
    json.dump(values, sys.stdout)


if __name__ == "__main__":
    main(*sys.argv[1:])
