package rpc

import (
	"crypto/x509"
	"sync"
)

// identities are the certificates of the nodes that are connected, by the addresses that they
// claim. An address has more than one while its node connects again.
type identities struct {
	mu  sync.Mutex
	all map[string][]*x509.Certificate
}

// add notes the certificate of a stream from an address.
func (i *identities) add(address string, certificate *x509.Certificate) {
	if certificate == nil {
		return
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.all == nil {
		i.all = make(map[string][]*x509.Certificate)
	}
	i.all[address] = append(i.all[address], certificate)
}

// remove notes the end of that stream.
func (i *identities) remove(address string, certificate *x509.Certificate) {
	i.mu.Lock()
	defer i.mu.Unlock()
	all := i.all[address]
	for n, one := range all {
		if one == certificate {
			i.all[address] = append(all[:n:n], all[n+1:]...)
			break
		}
	}
	if len(i.all[address]) == 0 {
		delete(i.all, address)
	}
}

// of returns the certificate of the node that was the last to connect from an address, nil if
// it has shown none.
func (i *identities) of(address string) *x509.Certificate {
	i.mu.Lock()
	defer i.mu.Unlock()
	all := i.all[address]
	if len(all) == 0 {
		return nil
	}
	return all[len(all)-1]
}
