// The oracle of src/kustomize: kyaml and the filters of kustomize 5.8.2.
//
//	go run . schema > ../../../src/kustomize/schema/types.txt
//	go run . fields > ../../kustomize/fields.txt
//	go run . strategic|json6902|replacement FILE   records the outputs of a file's cases
package main

import (
	"fmt"
	"os"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(args []string) error {
	switch {
	case len(args) == 1 && args[0] == "schema":
		return schema(os.Stdout)
	case len(args) == 1 && args[0] == "fields":
		return fields(os.Stdout)
	case len(args) == 2:
		return record(args[0], args[1])
	}
	return fmt.Errorf("usage: schema | fields | strategic|json6902|replacement FILE")
}
