package pinform

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/certassay/certassay/internal/expect"
)

// Print writes pins in a form. notes say what the form could not hold although
// the pins mean the same without it. It fails where they would not, or where the
// form has no word for a pin; all problems are reported together.
func Print(f Format, sets []Set) (text []byte, notes []string, err error) {
	form := formOf(f)
	var errs []error
	if len(sets) == 0 {
		return nil, nil, errors.New("there is no pin to write")
	}
	if !form.hosts && len(sets) > 1 {
		errs = append(errs, &Error{
			Err: fmt.Errorf("the form %s names no hosts, and there are pins of %d", f, len(sets)),
			Tip: "export the pins of one host at a time, or in a form that names hosts: android, ios, tlsa",
		})
	}
	note := map[string]bool{}
	for i := range sets {
		errs = append(errs, form.fits(f, &sets[i], note))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, nil, err
	}
	for text := range note {
		notes = append(notes, text)
	}
	slices.Sort(notes)
	var b bytes.Buffer
	form.print(&b, sets)
	return b.Bytes(), notes, nil
}

// fits says whether a form can hold a set, and notes what it loses.
func (form *form) fits(f Format, s *Set, note map[string]bool) error {
	of := s.Host
	if of == "" {
		of = "the host"
	}
	var errs []error
	refuse := func(hint, format string, args ...any) { errs = append(errs, errorf(0, 0, hint, format, args...)) }
	if len(s.Pins) == 0 {
		refuse("the hash of a key gives neither the key, for pem, nor a certificate's fingerprint, for openssl: export from a server, or import the key or certificate itself", "there is no pin of %s to write", of)
	}
	if form.hosts {
		if _, err := host(s.Host); err != nil {
			refuse("name the host whose pins these are", "the form %s needs the name of a host: %v", f, err)
		}
	}
	if s.Both && !form.both {
		refuse("import and export either the leaf's or the issuers' pins", "the pins of %s want leaf and issuer to match, and the form %s takes one match for enough", of, f)
	}
	if s.Subdomains && !form.subdomains {
		note[fmt.Sprintf("the form %s does not say that hosts below the named one are meant, too", f)] = true
	}
	if f == HPKP && len(s.Pins) < 2 {
		note["browsers ignored such a header without a backup pin (RFC 7469 section 4.3)"] = true
	}
	roles := map[Role]bool{}
	for _, p := range s.Pins {
		roles[p.Role] = true
		form.fitsPin(f, of, p, refuse, note)
	}
	if f == IOS && roles[Any] {
		refuse("say which they are: --pin leaf or --pin issuer", "the form ios lists keys of leaves apart from those of CAs, and which of them %s's are is not known", of)
	}
	if f == IOS && roles[Leaf] && roles[Issuer] && !s.Both {
		refuse("export either the leaf's or the issuers' pins", "the form ios wants both a leaf and an issuer to match where both are listed; of %s's pins one is enough", of)
	}
	if form.until && slices.ContainsFunc(s.Pins, func(p Pin) bool { return !p.Until.Equal(s.Pins[0].Until) }) {
		refuse("give all pins of the host one end, or export them apart", "the form %s has one expiration for all pins of %s, and they end at different times", f, of)
	}
	return errors.Join(errs...)
}

func (form *form) fitsPin(f Format, of string, p Pin, refuse func(hint, format string, args ...any), note map[string]bool) {
	text := p.String()
	switch {
	case p.Of == expect.SPKI && !form.keys:
		refuse("the form openssl is of certificates; export keys as spki", "%s of %s pins a key, and the form %s certificates", text, of, f)
	case p.Of == expect.Certificate && !form.certificates:
		refuse("pin the certificate's key instead", "%s of %s pins a certificate, and the form %s keys", text, of, f)
	case !slices.Contains(form.hashes, p.Hash):
		refuse("pin with SHA-256", "%s of %s: the form %s has no word for %s", text, of, f, p.Hash)
	case form.needDER && p.DER == "":
		refuse("a hash cannot be turned back; learn from the server, or import the key itself", "%s of %s is a hash, and the form %s holds keys", text, of, f)
	case form.onlyLeaf && p.Role == Issuer:
		refuse("pin the leaf's key instead: --pin leaf", "%s of %s is of an issuer, and the form %s compares with the leaf alone", text, of, f)
	}
	if !p.Until.IsZero() && !form.until {
		note[fmt.Sprintf("the form %s does not say until when a pin counts", f)] = true
	}
	if f == Android && !p.Until.IsZero() && !p.Until.Equal(p.Until.UTC().Truncate(day)) {
		note["the form android ends pins with a day: they end at its beginning in UTC"] = true
	}
}

// comment makes a line of a comment from text that somebody else wrote.
func comment(s string) string { return strings.Join(strings.Fields(s), " ") }
