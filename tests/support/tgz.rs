//! Charts as they are packed, made in memory.

use flate2::Compression;
use flate2::write::GzEncoder;

pub type Builder = tar::Builder<GzEncoder<Vec<u8>>>;

/// What `fill` puts into an archive, packed.
pub fn archive(fill: impl FnOnce(&mut Builder)) -> Vec<u8> {
    let mut builder = Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
    fill(&mut builder);
    let packed = builder.into_inner().expect("it is packed in memory");
    packed.finish().expect("it is packed in memory")
}

/// These files, by their paths.
pub fn packed(files: &[(&str, &str)]) -> Vec<u8> {
    archive(|builder| {
        for (path, text) in files {
            let mut header = tar::Header::new_gnu();
            header.set_size(text.len() as u64);
            header.set_mode(0o644);
            builder
                .append_data(&mut header, path, text.as_bytes())
                .expect("it is packed in memory");
        }
    })
}
