package ct

import "encoding/binary"

// LeafIndex reads the extensions of an SCT of a tiled log: the index of the
// entry in the log (static-ct-api, section "SCT Extension": type 0, five bytes).
// present says that there is such an extension, valid that it and the list
// around it are well formed, and that it stands there once.
func (s *SCT) LeafIndex() (index uint64, present, valid bool) {
	const leafIndex = 0
	valid = true
	for b := s.Extensions; len(b) > 0; {
		if len(b) < 3 {
			return index, present, false
		}
		kind, n := b[0], int(binary.BigEndian.Uint16(b[1:]))
		if b = b[3:]; len(b) < n {
			return index, present, false
		}
		if kind == leafIndex {
			valid = valid && !present && n == 5
			present = true
			if n == 5 {
				index = uint64(b[0])<<32 | uint64(binary.BigEndian.Uint32(b[1:]))
			}
		}
		b = b[n:]
	}
	return index, present, valid && present
}
