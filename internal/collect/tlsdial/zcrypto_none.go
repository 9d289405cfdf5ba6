//go:build !(linux || (darwin && amd64))

package tlsdial

import (
	"fmt"
	"time"
)

// zcrypto does not build for this platform: a DHE server whose signature cannot
// be checked stays unproven.
func (s *session) zcrypto(*recorder, *attempt, time.Time) error {
	return fmt.Errorf("%w: zcrypto does not build for this platform", errScreened)
}
