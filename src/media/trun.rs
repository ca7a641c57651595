//! How many samples a part holds, read from its own `trun` boxes (ISO 14496-12 §8.8.8).
//!
//! The packager's [`crate::Part`] says how long a part is but not of how many frames; the multivariant
//! playlist must say a frame rate.

/// Samples of every `moof` in `data`; 0 when it is no fragment.
#[must_use]
pub(crate) fn samples(data: &[u8]) -> u64 {
    let mut found = 0;
    for moof in children(data, b"moof") {
        for traf in children(moof, b"traf") {
            for trun in children(traf, b"trun") {
                let count = trun.get(4..8).and_then(|four| four.try_into().ok());
                found += u64::from(count.map_or(0, u32::from_be_bytes));
            }
        }
    }
    found
}

/// Bodies of the boxes named `kind` directly inside `data`. Ends at the first malformed box.
fn children<'a>(mut data: &'a [u8], kind: &'static [u8; 4]) -> impl Iterator<Item = &'a [u8]> {
    std::iter::from_fn(move || {
        loop {
            let size: [u8; 4] = data.get(..4)?.try_into().ok()?;
            let name = data.get(4..8)?;
            let whole = data.get(..usize::try_from(u32::from_be_bytes(size)).ok()?)?;
            data = data.get(whole.len()..)?;
            let body = whole.get(8..)?;
            if name == kind {
                return Some(body);
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn boxed(kind: &[u8; 4], body: &[u8]) -> Vec<u8> {
        let mut out = (8 + body.len() as u32).to_be_bytes().to_vec();
        out.extend_from_slice(kind);
        out.extend_from_slice(body);
        out
    }

    #[test]
    fn samples_of_a_fragment_are_counted() {
        let trun = boxed(b"trun", &[0, 0, 0, 0, 0, 0, 0, 6]);
        let traf = boxed(b"traf", &[boxed(b"tfhd", &[0; 8]), trun].concat());
        let moof = boxed(b"moof", &[boxed(b"mfhd", &[0; 8]), traf].concat());
        let part = [moof, boxed(b"mdat", &[7; 100])].concat();
        assert_eq!(samples(&part), 6);
    }

    #[test]
    fn bytes_that_are_no_fragment_hold_no_samples() {
        for data in
            [&b""[..], b"media", &[0; 64], &[255; 64], &[0, 0, 0, 4, b'm', b'o', b'o', b'f']]
        {
            assert_eq!(samples(data), 0);
        }
    }
}
