# SPDX-License-Identifier: GPL-2.0-or-later
# Clients go back to the old firewall; then the qube and its kernel are removed.
{%- from 'vifwall/map.jinja' import vifwall, kernel_dir %}

include:
  - vifwall.roll-back

vifwall-halted:
  qvm.shutdown:
    - name: {{ vifwall.name }}
    - flags:
      - wait
    - onlyif: qvm-check -q --running -- {{ vifwall.name }}
    - require:
      - sls: vifwall.roll-back

vifwall-absent:
  qvm.absent:
    - name: {{ vifwall.name }}
    - require:
      - qvm: vifwall-halted

vifwall-no-kernel:
  file.absent:
    - name: {{ kernel_dir }}
    - require:
      - qvm: vifwall-absent
