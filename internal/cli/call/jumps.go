package call

import (
	"fmt"
	"io"
	"net/url"
	"time"

	"github.com/certassay/certassay/internal/collect/sshjump"
)

// Jumps are the SSH servers that a run dials from, each logged in to once. The
// zero value has none.
type Jumps map[string]*sshjump.Proxy

// IsSSH says whether a vantage is an SSH server.
func IsSSH(via *url.URL) bool { return via != nil && via.Scheme == "ssh" }

// Open gives the way over a server. Nobody is contacted yet.
func (j *Jumps) Open(via *url.URL, config string, timeout time.Duration) (*sshjump.Proxy, error) {
	if p, ok := (*j)[via.String()]; ok {
		return p, nil
	}
	p, err := sshjump.New(via, sshjump.Options{Config: config, Timeout: timeout})
	if err != nil {
		return nil, fmt.Errorf("--via %s: %w", via.Redacted(), err)
	}
	if *j == nil {
		*j = Jumps{}
	}
	(*j)[via.String()] = p
	return p, nil
}

// Close ends what was logged in, however the run ended.
func (j *Jumps) Close(stderr io.Writer) {
	for _, p := range *j {
		if err := p.Close(); err != nil {
			fmt.Fprintf(stderr, "certassay: warning: %v\n", err)
		}
	}
}
