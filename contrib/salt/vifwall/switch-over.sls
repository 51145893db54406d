# SPDX-License-Identifier: GPL-2.0-or-later
# Every qube that has the old firewall as its netvm is given ours, running or
# not, and so is who follows the system's default.  roll-back undoes it.
{%- from 'vifwall/map.jinja' import vifwall %}
{%- set from, to = vifwall.old, vifwall.name %}

include:
  - vifwall.create

vifwall-runs:
  qvm.start:
    - name: {{ to }}
    - require:
      - sls: vifwall.create

{% include 'vifwall/move.jinja' %}
