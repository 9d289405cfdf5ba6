// Command generate writes the list of revoked CA certificates from Mozilla's OneCRL,
// in the form in which Firefox ships and fetches it: a JSON object with "timestamp"
// and "data" (or "changes"). In the directory of package trust:
//
//	go run ./generate ONECRL.json data/onecrl.json
//
// Debian's package firefox-esr has it in omni.ja, as
// defaults/settings/security-state/onecrl.json.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/certassay/certassay/internal/trust"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "generate:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) != 2 {
		return errors.New("usage: generate ONECRL.json OUTPUT")
	}
	in, err := os.ReadFile(args[0])
	if err != nil {
		return fmt.Errorf("reading OneCRL: %w", err)
	}
	out, err := convert(in)
	if err != nil {
		return fmt.Errorf("%s: %w", args[0], err)
	}
	return os.WriteFile(args[1], out, 0o644)
}

func convert(in []byte) ([]byte, error) {
	f, err := trust.ConvertOneCRL(in)
	if err != nil {
		return nil, err
	}
	return lines(f)
}

// lines writes the list with a line for each part, so that a newer one can be compared.
func lines(f *trust.RevokedFile) ([]byte, error) {
	text, err := json.Marshal(f)
	if err != nil {
		return nil, err
	}
	s := strings.NewReplacer(`},{`, "},\n{", `:[{`, ":[\n{", `}],`, "}\n],\n").Replace(string(text))
	if _, err := trust.ReadRevoked([]byte(s)); err != nil {
		return nil, err
	}
	return []byte(s + "\n"), nil
}
