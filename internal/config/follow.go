package config

import (
	"errors"
	"fmt"
	"strings"
)

// Follow says which DNS records lead from a target to the servers that are
// audited in its place. The zero value follows none.
type Follow struct{ MX, SRV bool }

// parseFollow reads lists of records, each separated by commas. All that is
// unknown is reported together.
func parseFollow(lists []string) (f Follow, err error) {
	var errs []error
	for _, list := range lists {
		for name := range strings.SplitSeq(list, ",") {
			switch strings.ToLower(strings.TrimSpace(name)) {
			case "mx":
				f.MX = true
			case "srv":
				f.SRV = true
			default:
				errs = append(errs, Meant(fmt.Errorf("cannot --follow %q (want mx, srv)", name), name, []string{"mx", "srv"}))
			}
		}
	}
	return f, errors.Join(errs...)
}
