//! Where events may go. Stricter than the URL standard: what it would repair is refused here, so that
//! no reading of a text differs from the one that was checked. All of it is ASCII, and is read byte by
//! byte: the standard library's searches in text would weigh as much as these rules.

use alloc::string::String;

use super::text::consists_of;

/// An origin with an optional path before the configured one, without a trailing `/`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    url: String,
    /// Length of `scheme://host[:port]` in `url`.
    origin: usize,
}

const SCHEMES: [(&[u8], &[u8]); 2] = [(b"https://", b"443"), (b"http://", b"80")];

impl Endpoint {
    /// Takes `https:`, and `http:` to loopback. The scheme and the host are put in lower case.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let bytes = text.as_bytes();
        let scheme = |(scheme, _): &(&[u8], &[u8])| {
            bytes.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme))
        };
        let (scheme, default_port) = *SCHEMES.iter().find(|each| scheme(each)).ok_or(SCHEME)?;
        let end = scheme.len() + until(bytes.get(scheme.len()..).unwrap_or_default(), b'/');
        let mut url = String::from(text.get(..end).unwrap_or_default());
        url.make_ascii_lowercase();

        let (host, port) = split_port(url.as_bytes().get(scheme.len()..).unwrap_or_default());
        let loopback = loopback_of(host).ok_or("its host is not a plain host name or address")?;
        if scheme == SCHEMES[1].0 && !loopback {
            return Err(SCHEME);
        }
        if let Some(port) = port {
            if decimal(port, 65_535).is_none_or(|number| number == 0) {
                return Err("its port is not a port");
            }
            if port == default_port {
                url.truncate(end - 1 - port.len());
            }
        }
        let origin = url.len();
        let path = text.get(end..without_slashes(bytes)).unwrap_or_default();
        if !path.is_empty() && !is_path(path) {
            return Err(PATH);
        }
        url.push_str(path);
        Ok(Self { url, origin })
    }

    pub fn as_str(&self) -> &str {
        &self.url
    }

    pub fn same_origin(&self, other: &Self) -> bool {
        self.url.as_bytes().get(..self.origin) == other.url.as_bytes().get(..other.origin)
    }
}

const SCHEME: &str = "must begin with https:// (or http:// to loopback)";
pub const PATH: &str = "a path must begin with one `/` and hold only what a URL path may";

/// A path that every URL parser reads the same way: one `/` first, no `//`, `\`, `?`, `#` or `..`.
pub fn is_path(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.len() <= 2_048
        && bytes.first() == Some(&b'/')
        && bytes.windows(2).all(|pair| pair != b"//")
        && bytes.split(|byte| *byte == b'/').all(|segment| segment != b"." && segment != b"..")
        && consists_of(bytes, b"/-._~!$&'()*+,;=:@")
}

/// Where the byte is first, else the length.
fn until(bytes: &[u8], wanted: u8) -> usize {
    bytes.iter().position(|byte| *byte == wanted).unwrap_or(bytes.len())
}

/// The length without `/` at the end.
fn without_slashes(bytes: &[u8]) -> usize {
    bytes.iter().rposition(|byte| *byte != b'/').map_or(0, |index| index + 1)
}

fn split_port(authority: &[u8]) -> (&[u8], Option<&[u8]>) {
    // An IPv6 address has colons of its own, inside brackets.
    let bracket = until(authority, b']');
    let start = if bracket < authority.len() { bracket } else { 0 };
    let colon = start + until(authority.get(start..).unwrap_or_default(), b':');
    (authority.get(..colon).unwrap_or_default(), authority.get(colon + 1..))
}

/// Whether a host in lower case is loopback; `None` if it is no host.
fn loopback_of(host: &[u8]) -> Option<bool> {
    if let [b'[', address @ .., b']'] = host {
        return is_ipv6(address).then_some(address == b"::1");
    }
    let (mut labels, mut octets, mut numeric) = (0, 0, false);
    for label in host.split(|byte| *byte == b'.') {
        if !consists_of(label, b"-_") || !(1..=63).contains(&label.len()) {
            return None;
        }
        labels += 1;
        octets += usize::from(decimal(label, 255).is_some());
        numeric = is_numeric(label);
    }
    // Four decimal numbers, and no other spelling.
    let ipv4 = labels == 4 && octets == 4;
    let name = host == b"localhost" || host.ends_with(b".localhost");
    (host.len() <= 253 && (ipv4 || !numeric)).then_some(name || ipv4 && host.starts_with(b"127."))
}

/// Whether URL parsers take a host whose last label is this for an IPv4 address, also in short, in
/// octal or in hexadecimal.
fn is_numeric(label: &[u8]) -> bool {
    match label {
        [b'0', b'x', digits @ ..] => digits.iter().all(u8::is_ascii_hexdigit),
        digits => digits.iter().all(u8::is_ascii_digit),
    }
}

/// A number without leading zeros.
fn decimal(digits: &[u8], max: u32) -> Option<u32> {
    if !(1..=5).contains(&digits.len()) || digits.len() > 1 && digits.first() == Some(&b'0') {
        return None;
    }
    let mut number = 0;
    for digit in digits {
        if !digit.is_ascii_digit() {
            return None;
        }
        number = number * 10 + u32::from(digit - b'0');
    }
    (number <= max).then_some(number)
}

/// Groups of hexadecimal digits, with at most one `::`.
fn is_ipv6(address: &[u8]) -> bool {
    let mut groups = 0;
    for group in address.split(|byte| *byte == b':').filter(|group| !group.is_empty()) {
        if group.len() > 4 || !group.iter().all(u8::is_ascii_hexdigit) {
            return false;
        }
        groups += 1;
    }
    let lone = |end: Option<&u8>, gap: bool| end == Some(&b':') && !gap;
    let outside = lone(address.first(), address.starts_with(b"::"))
        || lone(address.last(), address.ends_with(b"::"));
    let gaps = address.windows(2).filter(|pair| *pair == b"::").count();
    !outside && (gaps == 0 && groups == 8 || gaps == 1 && groups <= 7)
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
