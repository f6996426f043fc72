package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"

	"sigs.k8s.io/kustomize/api/filters/patchjson6902"
	"sigs.k8s.io/kustomize/api/filters/patchstrategicmerge"
	"sigs.k8s.io/kustomize/api/filters/replacement"
	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/kustomize/kyaml/kio"
	kyaml "sigs.k8s.io/kustomize/kyaml/yaml"
	"sigs.k8s.io/yaml"
)

// A file of cases: `=== case NAME`, the target (where there is none, that of
// the case before), `=== patch`, and what is recorded behind them:
// `=== output`, `=== deleted` or `=== error`.
func record(what, path string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	head, rest, _ := strings.Cut("\n"+string(text), "\n=== case ")
	out := strings.TrimPrefix(head, "\n")
	if out != "" {
		out += "\n"
	}
	last := ""
	for _, section := range strings.Split(rest, "\n=== case ") {
		input, patch, found := strings.Cut(strings.TrimSuffix(section, "\n")+"\n", "\n=== patch\n")
		if !found {
			return fmt.Errorf("a case without a patch: %s", section)
		}
		for _, end := range []string{"output\n", "deleted\n", "error\n"} {
			patch, _, _ = strings.Cut("\n"+patch, "\n=== "+end)
			patch = strings.TrimPrefix(patch, "\n")
		}
		patch = strings.TrimSuffix(patch, "\n")
		name, target, _ := strings.Cut(input, "\n")
		if target == last {
			target = ""
		}
		if target != "" {
			last = target
			target += "\n"
		}
		out += fmt.Sprintf("=== case %s\n%s=== patch\n%s\n%s", name, target, patch, answer(what, last, patch))
	}
	return os.WriteFile(path, []byte(out), 0o644)
}

func answer(what, target, patch string) (answer string) {
	defer func() {
		if cause := recover(); cause != nil {
			answer = fmt.Sprintf("=== error\npanic: %v\n", cause)
		}
	}()
	nodes, err := kio.FromBytes([]byte(target))
	if err == nil {
		nodes, err = apply(what, nodes, patch)
	}
	if err != nil {
		text := strings.TrimRight(err.Error(), "\n")
		return "=== error\n" + text + "\n"
	}
	if len(nodes) == 0 || nodes[0].IsNilOrEmpty() {
		return "=== deleted\n"
	}
	var documents []string
	for _, node := range nodes {
		b, err := node.MarshalJSON()
		if err != nil {
			return "=== error\n" + err.Error() + "\n"
		}
		b, err = yaml.JSONToYAML(b)
		if err != nil {
			return "=== error\n" + err.Error() + "\n"
		}
		documents = append(documents, string(b))
	}
	return "=== output\n" + strings.Join(documents, "---\n")
}

func apply(what string, nodes []*kyaml.RNode, patch string) ([]*kyaml.RNode, error) {
	switch what {
	case "strategic":
		node, err := kyaml.Parse(patch)
		if err != nil {
			return nil, err
		}
		return patchstrategicmerge.Filter{Patch: node}.Filter(nodes)
	case "json6902":
		return patchjson6902.Filter{Patch: patch}.Filter(nodes)
	case "replacement":
		b, err := yaml.YAMLToJSON([]byte(patch))
		if err != nil {
			return nil, err
		}
		var replacements []types.Replacement
		if err := json.Unmarshal(b, &replacements); err != nil {
			return nil, err
		}
		return replacement.Filter{Replacements: replacements}.Filter(nodes)
	}
	return nil, fmt.Errorf("unknown subject %s", what)
}
