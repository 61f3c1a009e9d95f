//! Modules in the binary format, for what is too long as text.

/// A module with one exported function `_start` of the type `[] -> []`; `body` is its locals and instructions without
/// the last `end`. `types` are further types, from index 1 on.
pub fn start(types: &[Vec<u8>], body: &[u8]) -> Vec<u8> {
    let mut all_types = vec![vec![0x60, 0x00, 0x00]];
    all_types.extend_from_slice(types);
    let mut code = body.to_vec();
    code.push(0x0b);
    let mut module = b"\0asm\x01\0\0\0".to_vec();
    section(&mut module, 1, &vector(&all_types));
    section(&mut module, 3, &vector(&[vec![0x00]]));
    section(&mut module, 7, &vector(&[b"\x06_start\x00\x00".to_vec()]));
    section(&mut module, 10, &vector(&[[leb(code.len() as u64), code].concat()]));
    module
}

/// Appends a section.
pub fn section(module: &mut Vec<u8>, id: u8, contents: &[u8]) {
    module.push(id);
    module.extend(leb(contents.len() as u64));
    module.extend_from_slice(contents);
}

/// A vector: how many, then each.
pub fn vector(items: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = leb(items.len() as u64);
    items.iter().for_each(|item| bytes.extend_from_slice(item));
    bytes
}

/// An unsigned LEB128 number.
pub fn leb(mut number: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let low = (number & 0x7f) as u8;
        number >>= 7;
        if number == 0 {
            bytes.push(low);
            return bytes;
        }
        bytes.push(low | 0x80);
    }
}

/// A section of function names, to be appended to a module.
pub fn name_section(names: &[(u32, &[u8])]) -> Vec<u8> {
    let entries: Vec<Vec<u8>> = names
        .iter()
        .map(|(index, name)| [leb(u64::from(*index)), leb(name.len() as u64), name.to_vec()].concat())
        .collect();
    let mut contents = b"\x04name".to_vec();
    section(&mut contents, 1, &vector(&entries));
    let mut bytes = Vec::new();
    section(&mut bytes, 0, &contents);
    bytes
}
