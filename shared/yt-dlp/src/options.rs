//! The options of one run, as a configuration that yt-dlp reads from its standard input.
//!
//! <https://github.com/yt-dlp/yt-dlp#usage-and-options>; its `shlex` splits the text as a shell would.

use std::net::SocketAddr;
use std::path::Path;

use url::Url;

use crate::download::{Download, Watermark};
use crate::settings::Settings;

/// What is wanted of yt-dlp's description of a video. Neither addresses of files, which expire, nor cookies and headers, which are secrets.
const FIELDS: &str = "id,title,description,uploader,uploader_id,uploader_url,channel,channel_id,timestamp,duration,view_count,like_count,\
    comment_count,repost_count,save_count,tags,track,artists,album,width,height,ext,filesize,vcodec,acodec,format_id,format_note,language,\
    webpage_url,extractor_key";

#[derive(Debug, Default)]
pub(crate) struct Options(String);

impl Options {
    /// What holds for every run: it reads nothing of anybody's, and its only way out is the proxy.
    fn of(settings: &Settings, proxy: SocketAddr, cookies: Option<&Path>) -> Self {
        let mut options = Self::default();
        // Where no `PATH` leads, neither ffmpeg nor a JavaScript engine is found; these say that none is to be looked for.
        for flag in ["--no-plugin-dirs", "--no-cache-dir", "--no-js-runtimes", "--no-remote-components", "--no-quiet"] {
            options.flag(flag);
        }
        options.set("--color", "never");
        options.set("--proxy", &format!("http://{proxy}"));
        options.set("--socket-timeout", &settings.silence.as_secs().max(1).to_string());
        options.set("--retries", &settings.retries.to_string());
        options.set("--fragment-retries", &settings.retries.to_string());
        options.set("--extractor-retries", &settings.retries.to_string());
        if let Some(cookies) = cookies {
            options.set("--cookies", &cookies.to_string_lossy());
        }
        options
    }

    /// Of a listing: a line for each video as it is found, without looking at any of them.
    pub(crate) fn listing(settings: &Settings, proxy: SocketAddr, cookies: Option<&Path>, url: &Url) -> Self {
        let mut options = Self::of(settings, proxy, cookies);
        options.tiktok_only(url);
        let tiktok = &settings.tiktok;
        let told =
            [("app_info", &tiktok.app_info), ("device_id", &tiktok.device_id), ("api_hostname", &tiktok.api_host)];
        let told: Vec<String> =
            told.iter().filter_map(|(key, value)| Some(format!("{key}={}", value.as_ref()?))).collect();
        if !told.is_empty() {
            options.set("--extractor-args", &format!("tiktok:{}", told.join(";")));
        }
        for flag in ["--flat-playlist", "--lazy-playlist", "--ignore-no-formats-error", "--simulate"] {
            options.flag(flag);
        }
        options.set("--playlist-items", &format!(":{}", settings.max_examined));
        options.set("--print", &format!("{{\"entry\": %(.{{url,{FIELDS}}})j}}"));
        options
    }

    /// Of a download into this folder, where nothing else is.
    pub(crate) fn download(
        settings: &Settings,
        proxy: SocketAddr,
        cookies: Option<&Path>,
        wanted: &Download,
        into: &Path,
    ) -> Self {
        let mut options = Self::of(settings, proxy, cookies);
        options.tiktok_only(wanted.url.as_url());
        for flag in [
            "--no-playlist",
            "--no-simulate",
            "--no-mtime",
            "--no-continue",
            "--progress",
            "--newline",
            "--abort-on-error",
        ] {
            options.flag(flag);
        }
        options.set("--playlist-items", "1");
        options.set("--match-filters", "!is_live & live_status!=?is_upcoming");
        options.set("--format", &format(wanted.watermark, wanted.max_bytes));
        options.set("--max-filesize", &wanted.max_bytes.to_string());
        options.set("--fixup", "never");
        options.set("--paths", &into.to_string_lossy());
        options.set("--output", "video.%(ext)s");
        options.set("--progress-delta", "0.2");
        options.set(
            "--progress-template",
            "download:{\"progress\": %(progress.{status,downloaded_bytes,total_bytes,total_bytes_estimate})j}",
        );
        options.set("--print", &format!("after_move:{{\"video\": %(.{{filepath,{FIELDS}}})j}}"));
        options
    }

    /// The configuration.
    pub(crate) fn into_text(self) -> String {
        self.0
    }

    /// A site that is known is read by what was made for it alone, wherever it sends one.
    fn tiktok_only(&mut self, url: &Url) {
        if url.host_str().is_some_and(|host| host == "tiktok.com" || host.ends_with(".tiktok.com")) {
            self.set("--use-extractors", "TikTok,tiktok:user,tiktok:tag");
        }
    }

    fn flag(&mut self, name: &str) {
        self.0.push_str(name);
        self.0.push('\n');
    }

    fn set(&mut self, name: &str, value: &str) {
        self.0.push_str(name);
        self.0.push(' ');
        self.0.push_str(&quoted(value));
        self.0.push('\n');
    }
}

/// A value that is one word to a shell, whatever is in it.
fn quoted(value: &str) -> String {
    format!("'{}'", value.replace('\0', "").replace('\'', r#"'"'"'"#))
}

/// Which file of a video: one that has pictures and sound, and that fits if any does. TikTok notes which are watermarked; others note nothing.
fn format(watermark: Watermark, max_bytes: u64) -> String {
    let marked = match watermark {
        Watermark::Avoid => "[format_note!*=?watermarked]",
        Watermark::Keep => "[format_note*=watermarked]",
    };
    let fits = format!("[filesize<=?{max_bytes}]");
    format!("b{marked}{fits}/b{fits}/b{marked}/b")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::settings::TikTok;

    fn settings() -> Settings {
        let settings = Settings::of("/opt/yt-dlp".into(), "/usr/bin/python3".into()).unwrap();
        Settings { silence: Duration::from_secs(7), max_examined: 300, ..settings }
    }

    #[test]
    fn values_are_one_word() {
        assert_eq!(quoted("plain"), "'plain'");
        assert_eq!(quoted("it's --exec id # $(x)\n\"y\""), "'it'\"'\"'s --exec id # $(x)\n\"y\"'");
    }

    #[test]
    fn a_listing_tells_tiktok_what_the_operator_says() {
        let proxy = "127.0.0.1:4000".parse().unwrap();
        let url = Url::parse("https://www.tiktok.com/@a").unwrap();
        let plain = Options::listing(&settings(), proxy, None, &url).into_text();
        for line in [
            "--flat-playlist",
            "--proxy 'http://127.0.0.1:4000'",
            "--socket-timeout '7'",
            "--playlist-items ':300'",
            "--use-extractors 'TikTok,tiktok:user,tiktok:tag'",
        ] {
            assert!(plain.lines().any(|own| own == line), "{line}: {plain}");
        }
        assert!(!plain.contains("--extractor-args") && !plain.contains("--cookies"), "{plain}");

        let tiktok = TikTok { app_info: Some("1/x".to_owned()), device_id: Some("2".to_owned()), api_host: None };
        let told =
            Options::listing(&Settings { tiktok, ..settings() }, proxy, Some(Path::new("/tmp/c")), &url).into_text();
        assert!(told.contains("--extractor-args 'tiktok:app_info=1/x;device_id=2'\n"), "{told}");
        assert!(told.contains("--cookies '/tmp/c'\n"), "{told}");

        let elsewhere =
            Options::listing(&settings(), proxy, None, &Url::parse("https://nottiktok.com/@a").unwrap()).into_text();
        assert!(!elsewhere.contains("--use-extractors"), "{elsewhere}");
    }

    #[test]
    fn files_that_fit_come_first() {
        assert_eq!(
            format(Watermark::Avoid, 9),
            "b[format_note!*=?watermarked][filesize<=?9]/b[filesize<=?9]/b[format_note!*=?watermarked]/b"
        );
        assert_eq!(
            format(Watermark::Keep, 9),
            "b[format_note*=watermarked][filesize<=?9]/b[filesize<=?9]/b[format_note*=watermarked]/b"
        );
    }
}
