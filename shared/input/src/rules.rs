//! Rules for single values, for `#[garde(custom(…))]`.

use std::net::IpAddr;

use garde::Error;

/// The longest name for people, in characters.
pub(crate) const LONGEST_NAME: usize = 200;
/// The longest address of a page, in bytes.
pub(crate) const LONGEST_ADDRESS: usize = 2_048;
/// The longest name of a host, and of a part of one (RFC 1035).
pub(crate) const LONGEST_HOST: usize = 253;
const LONGEST_LABEL: usize = 63;

/// A name for people: something of up to 200 characters, none of them a control character.
pub fn name(name: &str, (): &()) -> garde::Result {
    match name.chars().count() {
        0 => Err(Error::new("must not be empty")),
        count if count > LONGEST_NAME => Err(Error::new(format!("must have at most {LONGEST_NAME} characters"))),
        _ if name.trim().is_empty() => Err(Error::new("must not be blank")),
        _ => no_control_characters(name),
    }
}

/// One line of up to `longest` characters; it may be empty.
pub fn line(longest: usize) -> impl Fn(&str, &()) -> garde::Result {
    move |text, ()| {
        if text.chars().count() > longest {
            return Err(Error::new(format!("must have at most {longest} characters")));
        }
        no_control_characters(text)
    }
}

/// A text that may have lines, and anything in them but NUL.
pub fn text(text: &str, (): &()) -> garde::Result {
    if text.contains('\0') {
        return Err(Error::new("must not hold a NUL character"));
    }
    Ok(())
}

/// The address of something on the web, to be kept as it is written.
pub fn web_address(address: &str, (): &()) -> garde::Result {
    // The parser would leave them out.
    no_control_characters(address)?;
    page_address(address, &())
}

/// What can be told of a page's address before it is fetched. Whether it may be CONNECTED to is decided then, of what it resolves to.
pub fn page_address(address: &str, (): &()) -> garde::Result {
    if address.len() > LONGEST_ADDRESS {
        return Err(Error::new(format!("must have at most {LONGEST_ADDRESS} characters")));
    }
    let url = url::Url::parse(address).map_err(|error| Error::new(format!("must be an absolute address: {error}")))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(Error::new(format!("must begin with http:// or https://, not {}:", url.scheme())));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(Error::new("must not hold a user name or password"));
    }
    Ok(())
}

/// A site's domain, as `example.com`.
pub fn domain(domain: &str, (): &()) -> garde::Result {
    let has_zone = domain.rsplit('.').next().is_some_and(|zone| zone.bytes().any(|byte| byte.is_ascii_alphabetic()));
    if is_host_name(domain) && domain.contains('.') && has_zone {
        return Ok(());
    }
    Err(Error::new("must be a domain such as example.com"))
}

/// A machine's name or IP address.
pub fn host(host: &str, (): &()) -> garde::Result {
    if is_host_name(host) || host.parse::<IpAddr>().is_ok() {
        return Ok(());
    }
    Err(Error::new("must be the name of a host, or an IP address"))
}

/// A country by its two letters (ISO 3166-1), in upper or lower case.
pub fn country(code: &str, (): &()) -> garde::Result {
    if code.len() == 2 && code.bytes().all(|byte| byte.is_ascii_alphabetic()) {
        return Ok(());
    }
    Err(Error::new("must be the two letters of a country, such as US"))
}

fn no_control_characters(text: &str) -> garde::Result {
    if text.chars().any(char::is_control) {
        return Err(Error::new("must not have control characters"));
    }
    Ok(())
}

/// Letters, digits and dashes between dots: other scripts come as `xn--…`.
fn is_host_name(name: &str) -> bool {
    let fits = |label: &str| {
        (1..=LONGEST_LABEL).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    name.len() <= LONGEST_HOST && name.split('.').all(fits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn domains_and_hosts_are_told_from_what_is_none() {
        let long = format!("{}.com", "a".repeat(LONGEST_LABEL + 1));
        let longer = format!("{}com", "a.".repeat(LONGEST_HOST / 2));
        for (text, is_domain, is_host) in [
            ("example.com", true, true),
            ("a-b.Example.co.uk", true, true),
            ("xn--mnchen-3ya.de", true, true),
            ("localhost", false, true),
            ("203.0.113.7", false, true),
            ("2001:db8::1", false, true),
            ("[2001:db8::1]", false, false),
            ("example.com.", false, false),
            (".example.com", false, false),
            ("-a.example.com", false, false),
            ("a_b.example.com", false, false),
            ("example.com:80", false, false),
            ("https://example.com", false, false),
            ("user@example.com", false, false),
            ("m\u{fc}nchen.de", false, false),
            (" example.com", false, false),
            ("example.com\n", false, false),
            ("", false, false),
            (long.as_str(), false, false),
            (longer.as_str(), false, false),
        ] {
            assert_eq!((domain(text, &()).is_ok(), host(text, &()).is_ok()), (is_domain, is_host), "{text}");
        }
    }

    #[test]
    fn addresses_are_of_the_web_and_bounded() {
        let (fits, long) = (LONGEST_ADDRESS - "https://a.example/".len(), "x".repeat(LONGEST_ADDRESS));
        for (address, is_one) in [
            ("https://example.com/article#comment-123", true),
            ("http://203.0.113.7:8080/?q=%20", true),
            (&format!("https://a.example/{}", &long[..fits]), true),
            (&format!("https://a.example/{}", &long[..=fits]), false),
            ("example.com/article", false),
            ("//example.com", false),
            ("ftp://example.com/", false),
            ("javascript:alert(1)", false),
            ("https://user:word@example.com/", false),
            ("https://exa\nmple.com/", false),
            ("https://", false),
            ("", false),
        ] {
            assert_eq!(web_address(address, &()).is_ok(), is_one, "{address}");
        }
    }

    #[test]
    fn lines_and_countries_are_bounded() {
        assert!(line(3)("\u{e9}\u{e9}\u{e9}", &()).is_ok() && line(3)("", &()).is_ok());
        assert!(line(3)("abcd", &()).is_err() && line(3)("a\nb", &()).is_err() && line(3)("\0", &()).is_err());
        assert!(text("a\nb\t", &()).is_ok() && text("a\0", &()).is_err());
        assert!(country("US", &()).is_ok() && country("gb", &()).is_ok());
        for wrong in ["", "U", "USA", "U1", "\u{e9}"] {
            assert!(country(wrong, &()).is_err(), "{wrong}");
        }
    }
}
