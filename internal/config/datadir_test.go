package config

import (
	"runtime"
	"testing"
)

func TestDataDir(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("paths are those of Unix")
	}
	for _, tt := range []struct {
		env  map[string]string
		want string
	}{
		{map[string]string{"CERTASSAY_DATA": "here", "XDG_DATA_HOME": "/x", "HOME": "/h"}, "here"},
		{map[string]string{"XDG_DATA_HOME": "/x", "HOME": "/h"}, "/x/certassay"},
		{map[string]string{"XDG_DATA_HOME": "x", "HOME": "/h"}, "/h/.local/share/certassay"},
		{map[string]string{"HOME": "/h"}, "/h/.local/share/certassay"},
		{map[string]string{"HOME": "h"}, ""},
		{nil, ""},
	} {
		if got := DataDir(func(name string) (string, bool) { v, ok := tt.env[name]; return v, ok }); got != tt.want {
			t.Errorf("DataDir(%v) = %q, want %q", tt.env, got, tt.want)
		}
	}
}
