//! Git over gix: the cache, fetches, trees.
