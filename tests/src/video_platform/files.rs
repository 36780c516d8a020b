//! Real videos, each different from all others.
//!
//! Both were made once, by ffmpeg 9.0.2 (of PyPI's imageio-ffmpeg 0.8.1), of which nothing else is needed then:
//! `ffmpeg -f lavfi -i testsrc=size=96x160:rate=12:duration=2 -f lavfi -i sine=frequency=440:duration=2 -c:v libx264 -preset veryslow -crf 40 -pix_fmt yuv420p
//! -c:a aac -b:a 24k -movflags +faststart -fflags +bitexact -flags:v +bitexact -flags:a +bitexact plain.mp4`; the other of `testsrc2`.

/// Two seconds of a test picture and a tone: H.264 and AAC in MP4, 96 by 160 pixels.
pub const PLAIN: &[u8] = include_bytes!("plain.mp4");
/// The same length and size with another picture, for what has a watermark.
pub const WATERMARKED: &[u8] = include_bytes!("watermarked.mp4");

/// The file of one video. It is told from others by a box at its end that players skip (ISO/IEC 14496-12, `free`).
#[must_use]
pub fn file(id: &str, is_watermarked: bool) -> Vec<u8> {
    let mut file = if is_watermarked { WATERMARKED } else { PLAIN }.to_vec();
    let size = u32::try_from(8 + id.len()).unwrap_or(8);
    file.extend_from_slice(&size.to_be_bytes());
    file.extend_from_slice(b"free");
    file.extend_from_slice(id.as_bytes());
    file
}
