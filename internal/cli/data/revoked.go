package data

import (
	"context"
	"fmt"
	"time"

	"github.com/certassay/certassay/internal/cli/fetched"
	"github.com/certassay/certassay/internal/cli/hint"
	"github.com/certassay/certassay/internal/collect/fetch"
	"github.com/certassay/certassay/internal/report"
	"github.com/certassay/certassay/internal/trust"
)

// mozillaOneCRL is where Firefox fetches its list of revoked CA certificates: all
// records with the time of the last change, whatever the client already has (see
// https://remote-settings.readthedocs.io/en/latest/client-specifications.html).
const mozillaOneCRL = "https://firefox.settings.services.mozilla.com/v1/buckets/security-state/collections/onecrl/changeset?_expected=0"

// revoked fetches and keeps the list of revoked CA certificates.
func (u *updating) revoked(ctx context.Context) error {
	source, own := u.onecrl, u.onecrl != ""
	if !own {
		source = mozillaOneCRL
	}
	text, err := u.take(ctx, fetch.Data("list of revoked CAs", trust.MaxRevoked), source, own)
	if err != nil {
		return err
	}
	list, err := trust.ReadOneCRL(text)
	if err != nil {
		return fmt.Errorf("%s: %w", source, err)
	}
	if list.Entries() == 0 {
		return fmt.Errorf("%s: the list of revoked CAs is empty", source)
	}
	old := u.revokedBefore()
	lost := old.Missing(list)
	if err := u.refuse(source, revokedFaults(old, list, lost, u.now)); err != nil {
		return err
	}
	fmt.Fprintf(u.c.Streams.Out, "onecrl: %d revoked CA certificates and keys of %s, before: %d of %s: %d added, %d no longer there\n",
		list.Entries(), list.Date(), old.Entries(), old.Date(), list.Missing(old), lost)
	return u.keep(fetched.RevokedFile, fetched.Label{Set: "onecrl", Source: source, Fetched: u.now.UTC()}, text)
}

// revokedBefore is the list that is in use: the later one of what was fetched before
// and the program's.
func (u *updating) revokedBefore() *trust.RevokedList {
	f, err := fetched.ReadRevoked(u.dir)
	if err != nil {
		hint.Warn(u.c.Streams.Err, []report.Warning{{Message: err.Error(), Hint: "it is replaced"}})
	}
	known := trust.BuiltinRevoked()
	if f == nil || f.List.Date() < known.Date() {
		return known
	}
	return f.List
}

// revokedFaults say what speaks against a newer list: an older one, or one that was
// cut short, lets through what Mozilla revoked since.
func revokedFaults(old, list *trust.RevokedList, lost int, now time.Time) (faults []string) {
	switch {
	case list.Date() > now.Add(ahead).UTC().Format(time.DateOnly):
		faults = append(faults, fmt.Sprintf("it is of %s, which is to come", list.Date()))
	case list.Date() < old.Date():
		faults = append(faults, fmt.Sprintf("it is of %s, and the one in use of %s", list.Date(), old.Date()))
	}
	if lost*lostShare > old.Entries() {
		faults = append(faults, fmt.Sprintf("%d of %d revoked certificates and keys are no longer there", lost, old.Entries()))
	}
	return faults
}
