package fetched

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"github.com/certassay/certassay/internal/parcel"
	"github.com/certassay/certassay/internal/trust"
)

// RevokedFile is the name of the file with the list of revoked CA certificates.
const RevokedFile = "onecrl.data"

// A Revoked is a list of revoked CA certificates of a directory of fetched data.
type Revoked struct {
	Label Label
	List  *trust.RevokedList
}

// ReadRevoked reads the list of a directory, nil where it has none.
func ReadRevoked(dir string) (*Revoked, error) {
	f := &Revoked{}
	text, err := parcel.Read(filepath.Join(dir, RevokedFile), &f.Label, trust.MaxRevoked)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err == nil {
		f.List, err = trust.ReadOneCRL(text)
	}
	if err != nil {
		return nil, dataError(dir, err)
	}
	return f, nil
}

// KnownRevoked gives the list of revoked CA certificates to judge by in place of the
// program's, nil to keep that. note says where a list was passed over.
func KnownRevoked(dir string) (list *trust.RevokedList, note string, err error) {
	f, err := ReadRevoked(dir)
	if f == nil {
		return nil, "", err
	}
	if known := trust.BuiltinRevoked().Date(); f.List.Date() < known {
		return nil, fmt.Sprintf("the list of revoked CAs in %s is of %s, and that of the program of %s: the latter is used", dir, f.List.Date(), known), nil
	}
	return f.List, "", nil
}
