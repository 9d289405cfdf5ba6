package cli

import (
	"fmt"

	"github.com/certassay/certassay/internal/config"
)

// onlineNow are the third parties that this version can ask. What it cannot do is
// refused: whoever asks for a check and hears nothing would take it for passed.
const onlineNow config.Online = 0

// refuseOnline says what of --online is not in this version.
func refuseOnline(asked config.Online) error {
	missing := asked &^ onlineNow
	if missing == 0 {
		return nil
	}
	hint := "leave it out"
	if onlineNow != 0 {
		hint = fmt.Sprintf("it can ask: %s", onlineNow)
	}
	return &hinted{fmt.Errorf("--online %s is not in this version", missing), hint}
}
