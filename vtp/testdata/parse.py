"""Prints the version of libxml2, and what it makes of each frame from stdin, in lines of JSON."""
import json
import struct
import sys

from lxml import etree

print(json.dumps({"version": "%d.%d" % etree.LIBXML_VERSION[:2], "strict": etree.LIBXML_VERSION >= (2, 12)}))
frames = sys.stdin.buffer
while header := frames.read(4):
    document = frames.read(struct.unpack(">I", header)[0])
    try:
        root = etree.fromstring(document)
        name = etree.QName(root)
    except (etree.XMLSyntaxError, ValueError) as error:
        print(json.dumps({"error": str(error) or "no reason"}))
        continue
    origins = root.xpath("*[local-name() = 'Origin'][1]/text()")
    print(json.dumps({
        "space": name.namespace or "", "name": name.localname,
        "role": root.get("role"), "version": root.get("version"), "ivoid": root.get("ivorn"),
        "origin": "".join(origins),
    }))
