package capture

import (
	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
)

type dtlsFlow struct{}

func (w *watch) datagram(gopacket.NetworkLayer, *layers.UDP, gopacket.CaptureInfo) {}
func (w *watch) concludeDTLS(*dtlsFlow)                                            {}
