package clock

import (
	"testing"
	"time"

	"github.com/certassay/certassay/internal/lab"
)

var noon = time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)

// staple makes an OCSP response for a serial number as the lab's intermediate.
func staple(_ testing.TB, l *lab.Lab, serial []byte, this, next time.Time) []byte {
	return lab.OCSP{Issuer: l.Intermediate, Answers: []lab.Status{{Serial: serial}}, This: this, Next: next}.Sign()
}
