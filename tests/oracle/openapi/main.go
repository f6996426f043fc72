// Program openapi compiles what Kubernetes releases publish (discovery and
// OpenAPI documents in k8s.io/kubernetes, json tags in k8s.io/api) into the
// two tables of src/sandbox/schema:
//
//	served.z  which release serves which resource by default
//	types.z   the fields of each kind: shape, list and map type, merge key,
//	          default, and how Go writes it when it is empty
//
// Usage: fetch.sh fills a folder with one folder a release (1.16, 1.17, ...),
// then: go run . FOLDER ../../../src/sandbox/schema
//
// Both tables are text under deflate; `go run . -text ...` writes them plain.
package main

import (
	"bytes"
	"compress/flate"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
)

// The release whose fields serve all releases; older kinds come from the
// last release that had them.
const fieldsFrom = 34

func must[T any](value T, err error) T {
	if err != nil {
		fmt.Fprintln(os.Stderr, "openapi:", err)
		os.Exit(1)
	}
	return value
}

func main() {
	plain := flag.Bool("text", false, "write plain text")
	flag.Parse()
	docs, out := flag.Arg(0), flag.Arg(1)
	var minors []int
	for _, entry := range must(os.ReadDir(docs)) {
		if minor, ok := strings.CutPrefix(entry.Name(), "1."); ok {
			minors = append(minors, must(strconv.Atoi(minor)))
		}
	}
	sort.Ints(minors)
	releases := map[int]*release{}
	for _, minor := range minors {
		releases[minor] = readRelease(filepath.Join(docs, fmt.Sprintf("1.%d", minor)), minor)
	}
	rows := serve(releases, minors)
	write(filepath.Join(out, "served"), servedText(rows, minors), *plain)
	write(filepath.Join(out, "types"), typesText(releases, minors, rows), *plain)
}

func write(path, text string, plain bool) {
	if plain {
		must(0, os.WriteFile(path+".txt", []byte(text), 0o644))
		return
	}
	var packed bytes.Buffer
	writer := must(flate.NewWriter(&packed, flate.BestCompression))
	must(writer.Write([]byte(text)))
	must(0, writer.Close())
	must(0, os.WriteFile(path+".z", packed.Bytes(), 0o644))
	fmt.Printf("%s: %d bytes, %d packed\n", path, len(text), packed.Len())
}
