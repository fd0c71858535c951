// Package engine runs it all: it has the targets of the sites probed, takes a
// decision on every new sample and publishes it to the table.
//
// The engine outlives the CoreDNS instances that use it. A reload offers the
// sites of the new Corefile as a second generation beside the one in force;
// both are observed and answered until one of them goes. What is known of a
// site goes from generation to generation.
package engine
