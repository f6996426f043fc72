//! An OCI image manifest, as far as a chart needs it.

use serde::Deserialize;

const HELM_CONFIG: &str = "application/vnd.cncf.helm.config.v1+json";
const CHART_LAYERS: [&str; 2] = [
    "application/vnd.cncf.helm.chart.content.v1.tar+gzip",
    // Before Helm 3.7.
    "application/tar+gzip",
];

const PROVENANCE_LAYER: &str = "application/vnd.cncf.helm.chart.provenance.v1.prov";

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Manifest {
    #[serde(default)]
    config: Descriptor,
    #[serde(default)]
    layers: Vec<Descriptor>,
    #[serde(default)]
    manifests: Vec<Descriptor>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Descriptor {
    media_type: String,
    digest: String,
    size: u64,
}

/// Where the chart of a manifest is: digest (hexadecimal) and size.
pub(super) fn chart_layer(manifest: &[u8]) -> Result<(String, u64), String> {
    let manifest = Manifest::read(manifest)?;
    let Some(layer) = manifest.layer(&CHART_LAYERS) else {
        let kind = &manifest.config.media_type;
        return Err(if kind == HELM_CONFIG {
            "the manifest has no chart layer".into()
        } else {
            format!("it is not a Helm chart but {kind:?}")
        });
    };
    layer.place()
}

/// The same of its provenance; `None` where it has none.
pub(super) fn provenance_layer(manifest: &[u8]) -> Result<Option<(String, u64)>, String> {
    let manifest = Manifest::read(manifest)?;
    let layer = manifest.layer(&[PROVENANCE_LAYER]);
    layer.map(Descriptor::place).transpose()
}

impl Manifest {
    fn read(text: &[u8]) -> Result<Self, String> {
        let manifest: Manifest =
            serde_json::from_slice(text).map_err(|error| format!("manifest: {error}"))?;
        match manifest.manifests.is_empty() {
            true => Ok(manifest),
            false => Err("it is an index of several images, not a chart".into()),
        }
    }

    fn layer(&self, kinds: &[&str]) -> Option<&Descriptor> {
        let mut layers = self.layers.iter();
        layers.find(|layer| kinds.contains(&layer.media_type.as_str()))
    }
}

impl Descriptor {
    fn place(&self) -> Result<(String, u64), String> {
        let digest = sha256_hex(&self.digest)
            .ok_or_else(|| format!("digest {:?} is not a sha256", self.digest))?;
        Ok((digest, self.size))
    }
}

/// The digits of `sha256:…`.
pub(super) fn sha256_hex(digest: &str) -> Option<String> {
    let hex = digest.strip_prefix("sha256:")?.to_ascii_lowercase();
    (hex.len() == 64 && hex.bytes().all(|b| b.is_ascii_hexdigit())).then_some(hex)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_chart_layer_is_found() {
        let digest = "a".repeat(64);
        let layer = |kind: &str| {
            format!(
                r#"{{"config":{{"mediaType":"{HELM_CONFIG}"}},"layers":[{{"mediaType":"application/vnd.cncf.helm.chart.provenance.v1.prov","digest":"x"}},{{"mediaType":"{kind}","digest":"sha256:{digest}","size":7}}]}}"#
            )
        };
        for kind in CHART_LAYERS {
            assert_eq!(chart_layer(layer(kind).as_bytes()), Ok((digest.clone(), 7)));
        }
        for (text, message) in [
            (layer("x"), "no chart layer"),
            ("{}".into(), "not a Helm chart"),
            ("".into(), "manifest:"),
            (r#"{"manifests":[{}]}"#.into(), "several images"),
            (
                r#"{"layers":[{"mediaType":"application/tar+gzip","digest":"sha256:../x"}]}"#
                    .into(),
                "not a sha256",
            ),
        ] {
            let error = chart_layer(text.as_bytes()).expect_err(&text);
            assert!(error.contains(message), "{error}");
        }
    }
}
