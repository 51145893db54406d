# SPDX-License-Identifier: GPL-2.0-or-later
# Every qube that has ours as its netvm is given the old firewall again, and so
# is who follows the system's default.  Our qube stays.
{%- from 'vifwall/map.jinja' import vifwall %}
{%- set from, to = vifwall.name, vifwall.old %}

vifwall-runs:
  qvm.start:
    - name: {{ to }}

{% include 'vifwall/move.jinja' %}
