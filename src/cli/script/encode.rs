//! A module in a script → the bytes the engine is given.

use wast::parser::{self, ParseBuffer};
use wast::{QuoteWat, QuoteWatTest, Wat};

use super::{Miss, lexer, skipped};

/// Why a module has no bytes: its text is not well formed.
pub(super) struct Malformed(pub String);

/// Encodes a module. The inner error is the text's fault, the outer one ends the directive.
pub(super) fn encode(module: &mut QuoteWat<'_>) -> Result<Result<Vec<u8>, Malformed>, Miss> {
    if matches!(module, QuoteWat::Wat(Wat::Component(_)) | QuoteWat::QuoteComponent(..)) {
        return skipped("component model");
    }
    Ok(match module.to_test() {
        Ok(QuoteWatTest::Binary(bytes)) => Ok(bytes),
        Ok(QuoteWatTest::Text(text)) => encode_text(&text),
        Err(error) => Err(Malformed(error.message())),
    })
}

/// Encodes a module that is no part of a quotation.
pub(super) fn encode_wat(module: &mut Wat<'_>) -> Result<Result<Vec<u8>, Malformed>, Miss> {
    if matches!(module, Wat::Component(_)) {
        return skipped("component model");
    }
    Ok(module.encode().map_err(|error| Malformed(error.message())))
}

fn encode_text(text: &[u8]) -> Result<Vec<u8>, Malformed> {
    let text = std::str::from_utf8(text).map_err(|_| Malformed("malformed UTF-8 encoding".to_owned()))?;
    let encode = || -> Result<Vec<u8>, wast::Error> {
        let buffer = ParseBuffer::new_with_lexer(lexer(text))?;
        parser::parse::<Wat<'_>>(&buffer)?.encode()
    };
    encode().map_err(|error| Malformed(error.message()))
}
