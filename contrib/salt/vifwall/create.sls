# SPDX-License-Identifier: GPL-2.0-or-later
# The qube, beside the firewall that there is: nobody uses it yet.
{%- from 'vifwall/map.jinja' import vifwall %}

include:
  - vifwall.kernel

vifwall-qube:
  qvm.vm:
    - name: {{ vifwall.name }}
    - present:
      - class: StandaloneVM
      - label: {{ vifwall.label }}
    - prefs:
      - virt-mode: pvh
      - kernel: {{ vifwall.kernel }}
      - kernelopts: '{{ vifwall.kernelopts }}'
      - memory: {{ vifwall.memory }}
      - maxmem: 0
      - vcpus: {{ vifwall.vcpus }}
      - netvm: {{ vifwall.netvm }}
      - provides-network: true
      - autostart: {{ vifwall.autostart }}
      - include-in-backups: false
    - features:
      - enable:
        - qubes-firewall
        - no-default-kernelopts
        - skip-update
        - qrexec
      - disable:
        - service.meminfo-writer
    - require:
      - sls: vifwall.kernel

# Not among the properties that qvm.prefs knows: it has no screen and no sound.
{%- for property in ['audiovm', 'guivm'] %}

vifwall-without-{{ property }}:
  cmd.run:
    - name: qvm-prefs -- {{ vifwall.name }} {{ property }} ''
    - onlyif: test -n "$(qvm-prefs -- {{ vifwall.name }} {{ property }})"
    - require:
      - qvm: vifwall-qube
{%- endfor %}
