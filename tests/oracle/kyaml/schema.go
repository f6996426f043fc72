package main

import (
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"sort"
	"strings"

	"k8s.io/kube-openapi/pkg/validation/spec"
	"sigs.k8s.io/kustomize/kyaml/openapi"
	"sigs.k8s.io/kustomize/kyaml/yaml"
)

type resource struct {
	APIVersion, Kind, Definition string
}

// The bundle that kyaml has built in, with the kinds in it.
func bundle() (spec.Definitions, []resource, error) {
	const module = "sigs.k8s.io/kustomize/kyaml"
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", module).Output()
	if err != nil {
		return nil, nil, err
	}
	folder := filepath.Join(strings.TrimSpace(string(out)), "openapi")
	files, err := filepath.Glob(filepath.Join(folder, "kubernetesapi/data/*.json.gz"))
	if err != nil || len(files) != 1 {
		return nil, nil, fmt.Errorf("%d bundles in %s: %w", len(files), folder, err)
	}
	file, err := os.Open(files[0])
	if err != nil {
		return nil, nil, err
	}
	defer file.Close()
	plain, err := gzip.NewReader(file)
	if err != nil {
		return nil, nil, err
	}
	var found struct {
		Definitions spec.Definitions
		Resources   []resource
	}
	if err := json.NewDecoder(plain).Decode(&found); err != nil {
		return nil, nil, err
	}
	// Kinds whose scope is known by a list in the source alone.
	source, err := os.ReadFile(filepath.Join(folder, "openapi.go"))
	if err != nil {
		return nil, nil, err
	}
	known := map[string]bool{}
	for _, r := range found.Resources {
		known[r.APIVersion+" "+r.Kind] = true
	}
	row := regexp.MustCompile(`\{APIVersion: "(\S+)", Kind: "(\w+)"\}`)
	for _, m := range row.FindAllStringSubmatch(string(source), -1) {
		if !known[m[1]+" "+m[2]] {
			found.Resources = append(found.Resources, resource{APIVersion: m[1], Kind: m[2]})
		}
	}
	return found.Definitions, found.Resources, nil
}

type table struct {
	definitions spec.Definitions
	// Whether a list below is merged; absent while it is being found out.
	merges map[string]bool
}

func reference(s spec.Schema) string {
	return strings.TrimPrefix(s.Ref.String(), "#/definitions/")
}

func (t *table) definitionMerges(name string) bool {
	if known, found := t.merges[name]; found {
		return known
	}
	t.merges[name] = false
	answer := false
	for _, field := range t.definitions[name].Properties {
		answer = t.schemaMerges(field) || answer
	}
	t.merges[name] = answer
	return answer
}

func (t *table) schemaMerges(s spec.Schema) bool {
	if name := reference(s); name != "" {
		return t.definitionMerges(name)
	}
	if isList(s) && strategy(s) != "" {
		return true
	}
	if isList(s) && s.Items != nil && s.Items.Schema != nil {
		return t.schemaMerges(*s.Items.Schema)
	}
	if s.AdditionalProperties != nil && s.AdditionalProperties.Schema != nil {
		return t.schemaMerges(*s.AdditionalProperties.Schema)
	}
	return false
}

func isList(s spec.Schema) bool { return len(s.Type) == 1 && s.Type[0] == "array" }

// The flag of a list: m and its keys, where its items are merged.
func strategy(s spec.Schema) string {
	merge, keys := (&openapi.ResourceSchema{Schema: &s}).PatchStrategyAndKeyList()
	for _, word := range strings.Split(merge, ",") {
		if word == "merge" {
			return "m" + strings.Join(keys, ",")
		}
	}
	return ""
}

// The shape of a value: @N a definition, [ a list of, { a map of, . anything.
func (t *table) shape(s spec.Schema, numbers map[string]int) string {
	if name := reference(s); name != "" {
		if number, found := numbers[name]; found {
			return fmt.Sprintf("@%d", number)
		}
		return "."
	}
	if isList(s) && s.Items != nil && s.Items.Schema != nil {
		return "[" + t.shape(*s.Items.Schema, numbers)
	}
	if s.AdditionalProperties != nil && s.AdditionalProperties.Schema != nil {
		return "{" + t.shape(*s.AdditionalProperties.Schema, numbers)
	}
	return "."
}

// Only what leads to a list that is merged: all others are replaced, as if
// nothing were known of them.
func schema(out io.Writer) error {
	definitions, resources, err := bundle()
	if err != nil {
		return err
	}
	t := &table{definitions: definitions, merges: map[string]bool{}}
	numbers := map[string]int{}
	var names []string
	for name := range definitions {
		if t.definitionMerges(name) {
			names = append(names, name)
		}
	}
	sort.Strings(names)
	for i, name := range names {
		numbers[name] = i
	}
	for _, name := range names {
		fmt.Fprintf(out, "T%s\n", name)
		var fields []string
		for field, s := range definitions[name].Properties {
			if t.schemaMerges(s) {
				line := field + " " + t.shape(s, numbers)
				if flag := strategy(s); flag != "" {
					line += " " + flag
				}
				fields = append(fields, line)
			}
		}
		sort.Strings(fields)
		for _, line := range fields {
			fmt.Fprintln(out, line)
		}
	}
	kinds := map[string][]string{}
	var versions []string
	for _, r := range resources {
		word := r.Kind
		if number, found := numbers[r.Definition]; found {
			word += fmt.Sprintf("@%d", number)
		}
		scoped, found := openapi.IsNamespaceScoped(yaml.TypeMeta{APIVersion: r.APIVersion, Kind: r.Kind})
		switch {
		case found && scoped:
			word += "+"
		case found:
			word += "-"
		case word == r.Kind:
			continue
		}
		if kinds[r.APIVersion] == nil {
			versions = append(versions, r.APIVersion)
		}
		kinds[r.APIVersion] = append(kinds[r.APIVersion], word)
	}
	sort.Strings(versions)
	for _, version := range versions {
		sort.Strings(kinds[version])
		fmt.Fprintf(out, "K%s %s\n", version, strings.Join(kinds[version], " "))
	}
	return nil
}
