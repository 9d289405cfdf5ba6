package noun

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// What does not exist is refused, with the near word that does.
func TestMistyped(t *testing.T) {
	for _, tt := range []struct{ args, err, hint string }{
		{"fruit apple", "", ""},
		{"fruit", "", ""},
		{"fruit aple", `unknown command "aple"`, `did you mean "x fruit apple"?`},
		{"apple", `unknown command "apple"`, `did you mean "x fruit apple"?`},
		{"fruit fruit", `unknown command "fruit"`, `did you mean "x fruit"?`},
		{"fruit stone", `unknown command "stone"`, `"x fruit --help" lists the commands`},
		{"fruit apple --gren", "unknown flag: --gren", "did you mean --green?"},
		{"fruit apple --colour=red", "unknown flag: --colour", `"x fruit apple --help" lists the flags`},
	} {
		apple := &cobra.Command{Use: "apple", RunE: func(*cobra.Command, []string) error { return nil }}
		apple.Flags().Bool("green", false, "")
		root := &cobra.Command{Use: "x", Args: Unknown, SilenceErrors: true, SilenceUsage: true, RunE: apple.RunE}
		root.SetFlagErrorFunc(SuggestFlag)
		root.AddCommand(New("fruit", "Fruit", apple))
		root.SetArgs(strings.Fields(tt.args))
		var out bytes.Buffer
		root.SetOut(&out)
		err := root.Execute()
		var hinted interface{ Hint() string }
		switch {
		case tt.err == "":
			if err != nil {
				t.Errorf("%s: %v", tt.args, err)
			}
		case err == nil || err.Error() != tt.err:
			t.Errorf("%s: error %v, want %s", tt.args, err, tt.err)
		case !errors.As(err, &hinted) || !strings.HasPrefix(hinted.Hint(), tt.hint):
			t.Errorf("%s: the hint is not %s", tt.args, tt.hint)
		}
	}
}
