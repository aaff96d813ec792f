package rpc

import (
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"

	"github.com/asynkron/protoactor-go/remote"
)

// parseAddress returns what an address, "host:port", consists of.
func parseAddress(address string) (host string, port uint16, err error) {
	host, text, err := net.SplitHostPort(address)
	if err != nil {
		return "", 0, err
	}
	number, err := strconv.ParseUint(text, 10, 16)
	if err != nil {
		return "", 0, fmt.Errorf("port of %s: %w", address, err)
	}
	return host, uint16(number), nil
}

// checkAdvertised returns why other nodes cannot connect to an address.
func checkAdvertised(address string) error {
	host, port, err := parseAddress(address)
	switch {
	case err != nil:
		return err
	case port == 0:
		return fmt.Errorf("port of %s: other nodes cannot connect to 0", address)
	case isUnspecified(host):
		return fmt.Errorf("other nodes cannot connect to %s, which names no host", address)
	default:
		return nil
	}
}

// checkListening returns why other nodes cannot connect to a node that listens at a host
// and advertises no other address. They would be given the address of all hosts, and
// answer to themselves.
func checkListening(config *remote.Config) error {
	if config.AdvertisedHost != "" {
		return checkAdvertised(config.AdvertisedHost)
	}
	host := strings.Trim(config.Host, "[]")
	if ip, err := net.ResolveIPAddr("ip", host); err == nil && ip.IP != nil {
		host = ip.String()
	}
	if isUnspecified(host) {
		return fmt.Errorf("other nodes cannot connect to %s: give the address of this host, or rpc.Advertised", config.Address())
	}
	return nil
}

// isUnspecified reports whether a host stands for all of this machine's addresses.
func isUnspecified(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "" || err == nil && ip.Unmap().WithZone("").IsUnspecified()
}

// bracketed returns a host as protoactor wants it, which puts a colon and the port behind.
func bracketed(host string) string {
	if strings.Contains(host, ":") {
		return "[" + host + "]"
	}
	return host
}
