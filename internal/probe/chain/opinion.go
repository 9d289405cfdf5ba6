package chain

import (
	"fmt"

	"github.com/certassay/certassay/internal/facts"
)

// maxOpinion is the longest path that the other libraries are shown. zcrypto's
// search for paths takes exponential time; over the certificates of one path
// alone there is nothing to search.
const maxOpinion = 8

// opinions asks the verifiers of zcrypto and certificate-transparency-go about
// one path. They are second opinions and never a verdict: zcrypto's ignores name
// constraints, unknown critical extensions and MD5. nil where the path is too
// long to ask, and where the libraries do not build.
func opinions(in *Input, p *path) []facts.Opinion {
	if len(p.steps) > maxOpinion {
		return nil
	}
	var out []facts.Opinion
	for _, v := range verifiers {
		out = append(out, opinion(v.library, func() error { return v.verify(in, p) }))
	}
	return out
}

// A verifier is another library's verifier.
type verifier struct {
	library string
	verify  func(*Input, *path) error
}

func opinion(library string, ask func() error) (o facts.Opinion) {
	o.Library = library
	defer func() {
		if r := recover(); r != nil {
			o.Accepts, o.Reason = false, fmt.Sprintf("the library panicked: %v", r)
		}
	}()
	if err := ask(); err != nil {
		o.Reason = err.Error()
		return o
	}
	o.Accepts = true
	return o
}
