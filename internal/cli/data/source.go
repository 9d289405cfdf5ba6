package data

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/certassay/certassay/internal/cli/given"
	"github.com/certassay/certassay/internal/cli/hint"
	"github.com/certassay/certassay/internal/cli/stream"
	"github.com/certassay/certassay/internal/cli/version"
	"github.com/certassay/certassay/internal/collect/fetch"
	"github.com/certassay/certassay/internal/report"
)

// Where data come from unless the user says otherwise.
const (
	// googleLogList is Chrome's list of logs; its signature lies beside it (see
	// https://googlechrome.github.io/CertificateTransparency/log_lists.html).
	googleLogList = "https://www.gstatic.com/ct/log_list/v3/log_list.json"
	// ccadb has the public reports of CCADB (https://www.ccadb.org/resources): the
	// certificates of all CAs by the decade in which they begin, and who answers
	// for them.
	ccadb         = "https://ccadb.my.salesforce-sites.com/ccadb/"
	ccadbRecords  = ccadb + "AllCertificateRecordsCSVFormatv4"
	ccadbPEM      = ccadb + "AllCertificatePEMsCSVFormat?NotBeforeDecade="
	ccadbEarliest = 1990
)

// isURL tells an address from the name of a file.
func isURL(source string) bool { return strings.Contains(source, "://") }

func checkSource(flag, source string) error {
	if !isURL(source) {
		return nil
	}
	if _, err := fetch.New(fetch.Options{HTTPS: true}).Parse(source); err != nil {
		return hint.With(fmt.Errorf("%s %.200q: %w", flag, source, err), "name a file, or an https address")
	}
	return nil
}

// take gives what lies at a source. own says that the user named it: then it may
// have a private address, and has to lie there and nowhere else.
func (u *updating) take(ctx context.Context, k fetch.Kind, source string, own bool) ([]byte, error) {
	if !isURL(source) {
		b, err := given.Bounded(source, k.Limit)
		if err != nil {
			return nil, fmt.Errorf("reading %s: %w", k.Name, err)
		}
		return b, nil
	}
	if _, ok := stream.Terminal(u.c.Streams.Err); ok {
		fmt.Fprintf(u.c.Streams.Err, "certassay: note: fetching %s\n", report.Escape(source))
	}
	web := fetch.New(fetch.Options{
		HTTPS: true, Private: own, NoRedirects: own, Timeout: u.timeout, Roots: u.pools, UserAgent: "certassay/" + version.String(),
	})
	defer web.Close()
	r := web.Get(ctx, source, k)
	var unknown x509.UnknownAuthorityError
	switch {
	case r.Err == nil:
		return r.Body, nil
	case errors.As(r.Err, &unknown):
		return nil, hint.With(r.Err, "neither Mozilla's roots nor --roots vouch for the server: somebody on the path answers in its place, or it is a mirror whose CA --roots has to name")
	case errors.Is(r.Err, fetch.ErrPrivate):
		return nil, hint.With(r.Err, "the name leads into a private network: look at your resolver, or name a mirror of your own")
	}
	return nil, hint.With(r.Err, "what was there stays; data can also come from a file: see certassay data update --help")
}

// signature is what lies beside a log list: log_list.sig for log_list.json, as
// Google has it, and FILE.sig.
func (u *updating) signature(ctx context.Context, source string, own bool) ([]byte, error) {
	beside := strings.TrimSuffix(source, ".json") + ".sig"
	if !isURL(source) {
		if _, err := os.Stat(source + ".sig"); err == nil {
			beside = source + ".sig"
		}
	}
	b, err := u.take(ctx, fetch.Signature(), beside, own)
	if err != nil && own && errors.Is(err, fs.ErrNotExist) {
		err = hint.With(err, "put the signature beside the list, or take it without one: --unsigned")
	}
	return b, err
}
