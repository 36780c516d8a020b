//! From bytes to text, as browsers do it: the byte order mark, the Content-Type, what the document says of itself, a guess.

use encoding_rs::{Encoding, UTF_8, WINDOWS_1252};

/// How far into a document its own declaration is looked for (the HTML standard's figure).
const PRESCAN_BYTES: usize = 1024;

/// Decodes a page. Bytes that are not text in its encoding become U+FFFD.
pub(crate) fn decode(body: &[u8], content_type: Option<&str>) -> String {
    // `Encoding::decode` lets a byte order mark override what it is called on.
    let declared = content_type.and_then(charset_parameter).and_then(|label| Encoding::for_label(label.as_bytes()));
    let encoding = declared.or_else(|| declared_within(body)).unwrap_or_else(|| guess(body));
    encoding.decode(body).0.into_owned()
}

fn guess(body: &[u8]) -> &'static Encoding {
    if std::str::from_utf8(body).is_ok() { UTF_8 } else { WINDOWS_1252 }
}

/// The charset parameter of a Content-Type.
fn charset_parameter(content_type: &str) -> Option<&str> {
    content_type.split(';').skip(1).find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        name.trim().eq_ignore_ascii_case("charset").then(|| value.trim().trim_matches(['"', '\'']))
    })
}

/// The encoding that a document's XML declaration or `<meta>` names.
fn declared_within(body: &[u8]) -> Option<&'static Encoding> {
    let head = body.get(..PRESCAN_BYTES).unwrap_or(body);
    // Read as Latin-1, so that every byte is one character.
    let head: String = head.iter().map(|byte| char::from(*byte).to_ascii_lowercase()).collect();
    let label = xml_declaration(&head).or_else(|| meta_charset(&head))?;
    let encoding = Encoding::for_label(label.as_bytes())?;
    // A declaration that could be read byte by byte is not in UTF-16, whatever it says.
    Some(encoding.output_encoding())
}

fn xml_declaration(head: &str) -> Option<&str> {
    let (declaration, _) = head.strip_prefix("<?xml")?.split_once("?>")?;
    let (_, value) = declaration.split_once("encoding")?;
    attribute_value(value)
}

fn meta_charset(head: &str) -> Option<&str> {
    let mut rest = head;
    while let Some(start) = rest.find('<') {
        rest = &rest[start..];
        if let Some(comment) = rest.strip_prefix("<!--") {
            rest = comment.split_once("-->")?.1;
        } else if let Some(tag) = rest.strip_prefix("<meta") {
            // `charset` is an attribute of its own, or part of `content="text/html; charset=…"`.
            let end = tag.find('>').unwrap_or(tag.len());
            let found =
                tag[..end].match_indices("charset").find_map(|(at, name)| attribute_value(&tag[at + name.len()..end]));
            if found.is_some() {
                return found;
            }
            rest = &tag[end..];
        } else {
            rest = &rest[1..];
        }
    }
    None
}

/// The value after an attribute's name: `="x"`, `='x'`, `=x`.
fn attribute_value(text: &str) -> Option<&str> {
    let value = text.trim_ascii_start().strip_prefix('=')?.trim_ascii_start();
    let quoted = ['"', '\''].iter().find_map(|quote| value.strip_prefix(*quote)?.split(*quote).next());
    let bare = || value.split(|c: char| c.is_ascii_whitespace() || matches!(c, ';' | '"' | '\'' | '/' | '>')).next();
    quoted.or_else(bare).filter(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_encoding_is_found_as_browsers_find_it() {
        let html = Some("text/html");
        for (body, content_type, expected) in [
            // The byte order mark wins over everything.
            (&b"\xef\xbb\xbf\xc3\xa9"[..], Some("text/html; charset=iso-8859-1"), "é"),
            (b"\xff\xfe\xe9\0", html, "é"),
            (b"\xfe\xff\0\xe9", html, "é"),
            // Then the header.
            (b"\xe9", Some("text/html; charset=iso-8859-1"), "é"),
            (b"\xe9", Some("text/html; Charset=\"ISO-8859-1\""), "é"),
            (b"\xa4", Some("text/html;version=1;charset=iso-8859-15"), "€"),
            (b"\x83e\x83X\x83g", Some("text/html; charset=Shift_JIS"), "テスト"),
            (b"<meta charset=utf-8>\xe9", Some("text/html; charset=latin1"), "<meta charset=utf-8>é"),
            // Then the document.
            (b"<meta charset=windows-1251>\xcf", html, "<meta charset=windows-1251>П"),
            (b"<META CHARSET='koi8-r'/>\xf0", html, "<META CHARSET='koi8-r'/>П"),
            (
                b"<meta http-equiv=content-type content=\"text/html; charset=euc-jp\">\xa5\xc6",
                html,
                "<meta http-equiv=content-type content=\"text/html; charset=euc-jp\">テ",
            ),
            (
                b"<?xml version=\"1.0\" encoding=\"iso-8859-2\"?>\xb1",
                None,
                "<?xml version=\"1.0\" encoding=\"iso-8859-2\"?>ą",
            ),
            (b"<!-- <meta charset=koi8-r> -->\xc3\xa9", html, "<!-- <meta charset=koi8-r> -->é"),
            (b"<meta charset=utf-16>\xc3\xa9", html, "<meta charset=utf-16>é"),
            (b"<meta name=x><meta charset=koi8-r>\xf0", html, "<meta name=x><meta charset=koi8-r>П"),
            // Then a guess; labels that nobody knows count as none.
            (b"\xc3\xa9", None, "é"),
            (b"caf\xe9 \x80", None, "café €"),
            (b"\xc3\xa9", Some("text/html; charset=klingon"), "é"),
            (b"<meta charset=klingon>\xe9", html, "<meta charset=klingon>é"),
            (b"<meta charset", html, "<meta charset"),
            (b"", None, ""),
            // What is not text in the encoding is replaced, not an error.
            (b"a\xffb", Some("text/html; charset=utf-8"), "a\u{fffd}b"),
        ] {
            assert_eq!(decode(body, content_type), expected, "{content_type:?} {}", body.escape_ascii());
        }
    }

    #[test]
    fn a_declaration_after_the_first_kilobyte_is_not_seen() {
        let mut body = vec![b' '; PRESCAN_BYTES];
        body.extend(b"<meta charset=koi8-r>\xe9");
        assert!(decode(&body, None).ends_with('é'));
    }

    proptest! {
        #[test]
        fn utf_8_is_kept_as_it_is(text in "[^\u{feff}<].*") {
            prop_assert_eq!(decode(text.as_bytes(), None), text);
        }

        #[test]
        fn nothing_panics(body: Vec<u8>, content_type in proptest::option::of(".*")) {
            decode(&body, content_type.as_deref());
            decode(&[b"<meta charset", body.as_slice()].concat(), None);
        }
    }
}
