//! Basic credentials (RFC 7617): a user and a password in Base64 (RFC 4648 section 4).

/// The value of a field that says who we are. It is written here so that no program links a crate for a loop.
pub(crate) fn credentials(user: &[u8], password: &[u8]) -> Vec<u8> {
    let pair = [user, b":", password].concat();
    let mut value = b"Basic ".to_vec();
    for three in pair.chunks(3) {
        let bits = (0..).zip(three).fold(0, |bits, (at, &byte)| bits | u32::from(byte) << (16 - 8 * at));
        for at in 0..4 {
            let digit = DIGITS[(bits >> (18 - 6 * at)) as usize & 63];
            value.push(if at <= three.len() { digit } else { b'=' });
        }
    }
    value
}

const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_those_of_the_rfc() {
        let of =
            |user: &str, password: &str| String::from_utf8(credentials(user.as_bytes(), password.as_bytes())).unwrap();
        // RFC 7617 sections 2 and 2.1.
        assert_eq!(of("Aladdin", "open sesame"), "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
        assert_eq!(of("test", "123£"), "Basic dGVzdDoxMjPCow==");
        assert_eq!(["", "a", "b?"].map(|user| of(user, "")), ["Basic Og==", "Basic YTo=", "Basic Yj86"]);
        assert_eq!(credentials(&[0xFB, 0xEF], &[0xFF]), b"Basic ++86/w==");
    }
}
