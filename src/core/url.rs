//! Where events may go. Stricter than the URL standard: what it would repair is refused here, so that
//! no reading of a text differs from the one that was checked.

use alloc::string::String;
/// An origin with an optional path before the configured one, without a trailing `/`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    url: String,
    /// Length of `scheme://host[:port]` in `url`.
    origin: usize,
}

impl Endpoint {
    /// Takes `https:`, and `http:` to loopback. The scheme and the host are put in lower case.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let scheme_end = text.find("://").ok_or("must be an absolute URL")?;
        let (scheme, rest) = (&text[..scheme_end], &text[scheme_end + 3..]);
        let secure = scheme.eq_ignore_ascii_case("https");
        if !secure && !scheme.eq_ignore_ascii_case("http") {
            return Err("must begin with https:// (or http:// to loopback)");
        }
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let (host, port) = split_port(authority)?;
        if !is_host(host) {
            return Err("its host is not a plain host name or address");
        }
        if !secure && !is_loopback(host) {
            return Err("must begin with https:// unless the host is loopback");
        }
        let path = path.trim_end_matches('/');
        if !path.is_empty() && !is_path(path) {
            return Err("its path holds something that a URL path may not");
        }
        let mut url = String::from(if secure { "https://" } else { "http://" });
        url.push_str(&host.to_ascii_lowercase());
        let default_port = if secure { "443" } else { "80" };
        if !port.is_empty() && port != default_port {
            url.push(':');
            url.push_str(port);
        }
        let origin = url.len();
        url.push_str(path);
        Ok(Self { url, origin })
    }

    pub fn as_str(&self) -> &str {
        &self.url
    }

    pub fn same_origin(&self, other: &Self) -> bool {
        self.url.get(..self.origin) == other.url.get(..other.origin)
    }
}

/// A path that every URL parser reads the same way: one `/` first, no `//`, `\`, `?`, `#` or `..`.
pub fn is_path(text: &str) -> bool {
    text.len() <= 2_048
        && text.starts_with('/')
        && !text.contains("//")
        && text.split('/').all(|segment| !matches!(segment, "." | ".."))
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"/-._~!$&'()*+,;=:@".contains(&byte))
}

fn split_port(authority: &str) -> Result<(&str, &str), &'static str> {
    // An IPv6 address has colons of its own, inside brackets.
    let host_end = authority.rfind(']').map_or(0, |index| index + 1);
    let Some(colon) = authority[host_end..].find(':') else {
        return Ok((authority, ""));
    };
    let (host, port) = authority.split_at(host_end + colon);
    let port = &port[1..];
    let fits = port.parse::<u16>().is_ok_and(|number| number > 0);
    if fits && !port.starts_with(['0', '+']) {
        Ok((host, port))
    } else {
        Err("its port is not a port")
    }
}

fn is_host(host: &str) -> bool {
    if let Some(address) = host.strip_prefix('[') {
        return address.strip_suffix(']').is_some_and(is_ipv6);
    }
    host.len() <= 253
        && host.split('.').all(|label| {
            (1..=63).contains(&label.len())
                && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
        })
        && (is_ipv4(host) || !host.rsplit('.').next().is_some_and(is_numeric))
}

/// Whether URL parsers take a host whose last label is this for an IPv4 address, also in short, in
/// octal or in hexadecimal.
fn is_numeric(label: &str) -> bool {
    let hexadecimal = label.strip_prefix("0x").or_else(|| label.strip_prefix("0X"));
    match hexadecimal {
        Some(digits) => digits.bytes().all(|byte| byte.is_ascii_hexdigit()),
        None => label.bytes().all(|byte| byte.is_ascii_digit()),
    }
}

/// Four decimal numbers, and no other spelling.
fn is_ipv4(host: &str) -> bool {
    let is_octet =
        |text: &str| text.parse::<u8>().is_ok() && (text == "0" || !text.starts_with(['0', '+']));
    host.split('.').count() == 4 && host.split('.').all(is_octet)
}

/// Groups of hexadecimal digits, with at most one `::`.
fn is_ipv6(address: &str) -> bool {
    let is_group = |group: &str| {
        (1..=4).contains(&group.len()) && group.bytes().all(|byte| byte.is_ascii_hexdigit())
    };
    let groups = |text: &str| match text {
        "" => Some(0),
        _ => text.split(':').all(is_group).then(|| text.split(':').count()),
    };
    match address.split_once("::") {
        Some((left, right)) => {
            groups(left).zip(groups(right)).is_some_and(|(left, right)| left + right <= 7)
        }
        None => groups(address) == Some(8),
    }
}

fn is_loopback(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost")
        || host.to_ascii_lowercase().ends_with(".localhost")
        || host == "[::1]"
        || (host.starts_with("127.") && is_ipv4(host))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::prelude::v1::*;

    #[test]
    fn takes_https_and_loopback() {
        for (text, url) in [
            ("https://t.example.com", "https://t.example.com"),
            ("HTTPS://T.Example.com:443/", "https://t.example.com"),
            ("https://t.example.com:8443/in/", "https://t.example.com:8443/in"),
            ("http://127.0.0.1:8787", "http://127.0.0.1:8787"),
            ("http://localhost:80", "http://localhost"),
            ("http://[::1]:9", "http://[::1]:9"),
            ("https://192.0.2.1/in", "https://192.0.2.1/in"),
            ("https://[2001:DB8::7]", "https://[2001:db8::7]"),
            ("https://[1:2:3:4:5:6:7:8]", "https://[1:2:3:4:5:6:7:8]"),
            ("https://0x7f.1a", "https://0x7f.1a"),
        ] {
            assert_eq!(Endpoint::parse(text).unwrap().as_str(), url, "{text}");
        }
    }

    #[test]
    fn refuses_what_could_be_read_in_two_ways() {
        for text in [
            "",
            "t.example.com",
            "//t.example.com",
            "javascript:alert(1)",
            "http://t.example.com",
            "http://127.0.0.1.example.com",
            "http://127.1",
            "https://",
            "https:///path",
            "https://user@t.example.com",
            "https://user:password@t.example.com",
            "https://t.example.com\\@evil.example",
            "https://t.example.com.",
            "https://bücher.example",
            "https://t.example.com:0",
            "https://t.example.com:99999",
            "https://t.example.com:+80",
            "https://t.example.com/a/../b",
            "https://t.example.com/?q",
            "https://t.example.com/#f",
            "https://t.example.com//evil",
            " https://t.example.com",
            "https://t.exa\nmple.com",
            "https://[::1",
            "https://[:]",
            "https://[:::1]",
            "https://[1::2::3]",
            "https://[12345::]",
            "https://[1:2:3:4:5:6:7]",
            "https://[1:2:3:4:5:6:7:8:9]",
            "https://[::ffff:192.0.2.1]",
            "https://1",
            "https://192.0.2",
            "https://0x7f.1",
            "https://t.example.0xA",
            "https://1.2.3.4.5",
            "https://256.0.0.1",
            "http://127.0.0.010",
        ] {
            assert!(Endpoint::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn origin_is_scheme_host_and_port() {
        let parse = |text| Endpoint::parse(text).unwrap();
        let base = parse("https://t.example.com");
        assert!(base.same_origin(&parse("https://T.example.com:443/elsewhere")));
        assert!(!base.same_origin(&parse("https://t.example.com:444")));
        assert!(!base.same_origin(&parse("https://t.example.com.evil.example")));
    }
}
