//! Whether the beginning of a file is that of a video, whatever it is called and whatever the site says it is.

/// How much of a file is looked at.
pub(crate) const HEAD: usize = 400;

/// Containers by their first bytes: <https://mimesniff.spec.whatwg.org/#matching-an-audio-or-video-type-pattern>, and MPEG's own.
pub(crate) fn is_media(head: &[u8]) -> bool {
    let at = |offset: usize, bytes: &[u8]| head.get(offset..offset + bytes.len()) == Some(bytes);
    // MP4, MOV, 3GP: a first box, which is a file type or an older file's index or content.
    let boxes: [&[u8]; 5] = [b"ftyp", b"moov", b"mdat", b"styp", b"wide"];
    // MPEG transport streams: packets of 188 bytes.
    let packets = [0, 188, 376].into_iter().all(|offset| at(offset, b"\x47"));
    boxes.into_iter().any(|name| at(4, name))
        || packets
        || at(0, b"\x1a\x45\xdf\xa3")
        || at(0, b"FLV\x01")
        || at(0, b"OggS\0")
        || at(0, b"\0\0\x01\xba")
        || (at(0, b"RIFF") && at(8, b"AVI "))
        || at(0, b"\x30\x26\xb2\x75\x8e\x66\xcf\x11")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn videos_are_known_by_their_first_bytes() {
        let stream: Vec<u8> = (0..HEAD).map(|at| if at % 188 == 0 { 0x47 } else { 0 }).collect();
        for (head, is) in [
            (&b"\0\0\0\x20ftypisom"[..], true),
            (b"\0\0\0\x08moov", true),
            (b"\x1a\x45\xdf\xa3\x01", true),
            (b"FLV\x01\x05", true),
            (b"RIFF\0\0\0\0AVI LIST", true),
            (&stream, true),
            (b"RIFF\0\0\0\0WEBPVP8 ", false),
            (b"<!doctype html><html>", false),
            (b"{\"error\": 1}", false),
            (b"GIF89a", false),
            (b"\x47", false),
            (b"", false),
        ] {
            assert_eq!(is_media(head), is, "{head:?}");
        }
    }
}
