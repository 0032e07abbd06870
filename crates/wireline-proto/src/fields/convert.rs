//! To and from the map of the `http` crate.
//!
//! What makes or reads one is `#[inline]` throughout the crate: the map is generic, so its code would be compiled here for
//! everybody, though few convert.

use http::header::{HeaderMap, HeaderName, HeaderValue};

use super::{Fields, FieldsRef, InvalidField};

impl From<&HeaderMap> for Fields {
    /// In the map's order; names come out in lower case, since the map forgets theirs.
    #[inline]
    fn from(map: &HeaderMap) -> Self {
        let mut fields = Self::new();
        for (name, value) in map {
            fields.push(name.as_str().as_bytes(), value.as_bytes());
        }
        fields
    }
}

impl TryFrom<FieldsRef<'_>> for HeaderMap {
    type Error = InvalidField;

    /// The order among different names and the case of names are lost: the map keeps neither.
    ///
    /// # Errors
    /// [`InvalidField`] for a value that only a [`Leniency`](crate::Leniency) let in.
    #[inline]
    fn try_from(fields: FieldsRef<'_>) -> Result<Self, InvalidField> {
        let mut map = Self::try_with_capacity(fields.len()).map_err(|_| InvalidField::TooMany)?;
        for field in fields.iter() {
            let name = HeaderName::from_bytes(field.name).map_err(|_| InvalidField::Name { at: 0 })?;
            let value = HeaderValue::from_bytes(field.value).map_err(|_| InvalidField::Value { at: 0 })?;
            map.try_append(name, value).map_err(|_| InvalidField::TooMany)?;
        }
        Ok(map)
    }
}

impl TryFrom<&Fields> for HeaderMap {
    type Error = InvalidField;

    #[inline]
    fn try_from(fields: &Fields) -> Result<Self, InvalidField> {
        fields.as_ref().try_into()
    }
}
