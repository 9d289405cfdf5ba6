package localfile

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/certassay/certassay/internal/collect/keystore"
	"github.com/certassay/certassay/internal/evidence"
)

// MaxYAML is the largest file of Kubernetes objects in bytes: as a tree it takes
// twenty times as much memory.
const MaxYAML = 32 << 20

// kubernetesLike says whether a file may hold Kubernetes objects, in YAML or
// JSON.
func kubernetesLike(b []byte) bool {
	return bytes.Contains(b, []byte("apiVersion")) && bytes.Contains(b, []byte("kind")) &&
		(bytes.Contains(b, []byte("Secret")) || bytes.Contains(b, []byte("ConfigMap")))
}

// An object is what matters of a Kubernetes Secret, ConfigMap or List.
type object struct {
	Kind     string `yaml:"kind"`
	Metadata struct {
		Name      string `yaml:"name"`
		Namespace string `yaml:"namespace"`
	} `yaml:"metadata"`
	Data       map[string]yaml.Node `yaml:"data"`
	StringData map[string]yaml.Node `yaml:"stringData"`
	BinaryData map[string]yaml.Node `yaml:"binaryData"`
	Items      []yaml.Node          `yaml:"items"`
}

// kubernetes reads the Secrets and ConfigMaps of a file and says whether there
// is any. It is not strict: these are foreign objects with many more fields.
func (c *content) kubernetes(b []byte, stores Stores) bool {
	if len(b) > MaxYAML {
		c.fail(fmt.Sprintf("Kubernetes objects of more than %d MiB", MaxYAML>>20), "split the file")
		return true
	}
	found := false
	documents := yaml.NewDecoder(bytes.NewReader(b))
	for n := 1; n <= MaxCertificates; n++ {
		var o object
		err := documents.Decode(&o)
		if errors.Is(err, io.EOF) {
			break
		}
		isOne := c.object(&o, stores, 0)
		if err != nil {
			// What cannot be read as YAML may be PEM with text around it.
			if found = found || isOne; found {
				c.fail(fmt.Sprintf("document %d cannot be read whole as YAML: what follows was left out", n), "")
			}
			break
		}
		found = isOne || found
	}
	return found
}

func (c *content) object(o *object, stores Stores, depth int) bool {
	switch {
	case o.Kind == "Secret" || o.Kind == "ConfigMap":
		c.values(o, o.Data, o.Kind == "Secret", stores)
		c.values(o, o.StringData, false, stores)
		c.values(o, o.BinaryData, true, stores)
		return true
	case strings.HasSuffix(o.Kind, "List") && depth == 0:
		found := false
		for i := range o.Items {
			var item object
			if err := o.Items[i].Decode(&item); err != nil {
				c.fail(fmt.Sprintf("item %d of the list cannot be read", i+1), "")
				continue
			}
			found = c.object(&item, stores, depth+1) || found
		}
		return found
	}
	return false
}

// values reads the values of an object in the order of their keys. One that has
// to be a certificate by its name fails where it is none; others are passed over.
func (c *content) values(o *object, values map[string]yaml.Node, encoded bool, stores Stores) {
	for _, key := range slices.Sorted(maps.Keys(values)) {
		node := values[key]
		value := []byte(node.Value)
		where := cmp.Or(nameOf(strings.TrimPrefix(o.Metadata.Namespace+"/"+o.Metadata.Name+"/"+key, "/")), key)
		wanted := key == "tls.crt" || key == "ca.crt"
		if encoded {
			raw, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(node.Value), ""))
			if err != nil {
				if wanted {
					c.fail(printable(where)+": it is not base64", "")
				}
				continue
			}
			value = raw
		}
		c.value(where, value, wanted, stores)
	}
}

// value reads one value; where is its name, not fit to print as it stands.
func (c *content) value(where string, value []byte, wanted bool, stores Stores) {
	switch {
	case len(value) == 0 && wanted:
		// cert-manager makes these before the certificate is there.
		c.fail(printable(where)+": it is empty", "the certificate was not issued yet, or not stored")
		return
	case !wanted && !bytes.Contains(value, beginMark) && !keystore.IsJava(value) && !keystore.IsPKCS12(value):
		return
	}
	inner := &content{path: c.path, nested: true}
	inner.read(value, stores)
	if inner.empty() && !wanted && !inner.store {
		return
	}
	for _, f := range inner.failures {
		c.failures = append(c.failures, evidence.Failure{Stage: f.Stage, Hint: f.Hint, Error: printable(c.path) + ": " + printable(where) + ": " + strings.TrimPrefix(f.Error, printable(c.path)+": ")})
	}
	c.warnings = append(c.warnings, inner.warnings...)
	for _, e := range inner.parts() {
		if len(e.certs) > 0 {
			c.entries = append(c.entries, entry{name: nameOf(where), certs: e.certs})
		}
	}
}
