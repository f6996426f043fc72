//! The built-in resources, as the tables of a release list them.

use super::{Catalog, Resource, Review, Subresource};
use crate::sandbox::convert::shelf_of;
use crate::sandbox::schema::{Release, Schema};

impl Catalog {
    pub fn of_release(release: &Release) -> Self {
        let minor = release.minor();
        let mut catalog = Catalog {
            // Aggregated discovery: beta from 1.26 (on by default in 1.27), GA in 1.30.
            aggregated_discovery: match minor {
                ..27 => &[],
                27..30 => &["v2beta1"],
                30.. => &["v2", "v2beta1"],
            },
            ..Catalog::default()
        };
        for served in release.resources() {
            let gvk = &served.gvk;
            let strings = |list: &[&str]| list.iter().map(|s| (*s).to_owned()).collect::<Vec<_>>();
            catalog.add(Resource {
                group: gvk.group.clone(),
                version: gvk.version.clone(),
                kind: gvk.kind.clone(),
                plural: served.name.clone(),
                singular: served.singular.clone(),
                short_names: served.short_names.clone(),
                categories: served.categories.clone(),
                namespaced: served.namespaced,
                verbs: strings(&served.verbs),
                subresources: served
                    .subresources
                    .iter()
                    .map(|sub| Subresource {
                        name: sub.name.clone(),
                        group: sub.gvk.group.clone(),
                        version: sub.gvk.version.clone(),
                        kind: sub.gvk.kind.clone(),
                        verbs: strings(&sub.verbs),
                    })
                    .collect(),
                shelf: shelf_of(&gvk.group, &served.name).into(),
                fields: Schema::builtin(gvk).unwrap_or_else(Schema::untyped),
                review: Review::of(&gvk.group, &gvk.kind),
                selectable: Vec::new(),
                custom: None,
            });
        }
        catalog
    }
}
