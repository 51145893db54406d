# SPDX-License-Identifier: GPL-2.0-or-later
# The appliance as a kernel of dom0's, from salt://vifwall/files; with the sums
# of its SHA256SUMS in the pillar, no other bytes are taken.
{%- from 'vifwall/map.jinja' import vifwall, kernel_dir %}
{%- for file in ['vmlinuz', 'initramfs'] %}

vifwall-{{ file }}:
  file.managed:
    - name: {{ kernel_dir }}/{{ file }}
    - source: salt://vifwall/files/{{ file }}
{%- if vifwall.sha256[file] %}
    - source_hash: sha256={{ vifwall.sha256[file] }}
{%- endif %}
    - user: root
    - group: root
    - mode: '0644'
    - makedirs: true
{%- endfor %}
