# Comet on Python 3: releases since 3.0.0.
ARG BASE=python:3.11-slim
FROM ${BASE} AS build
ARG REQUIREMENT
ARG TWISTED=
ARG PIP_INDEX_URL
ARG PIP_EXTRA_INDEX_URL
ARG PIP_TRUSTED_HOST
ENV PYTHONUSERBASE=/opt/comet PATH=/opt/comet/bin:/usr/local/bin:/usr/bin:/bin
COPY . /build
RUN if [ -s /build/ca.crt ]; then export PIP_CERT=/build/ca.crt; fi \
 && if [ -n "$TWISTED" ]; then sed -i "s/^Twisted==.*/Twisted==$TWISTED/" /build/constraints.txt; fi \
 && export PIP_BREAK_SYSTEM_PACKAGES=1 PIP_CONSTRAINT=/build/constraints.txt \
 && python -m pip install --user --ignore-installed --no-cache-dir --no-warn-script-location --disable-pip-version-check \
    Twisted lxml \
 && python -m pip install --user --no-cache-dir --no-warn-script-location --disable-pip-version-check "$REQUIREMENT"
# This stage is removed with what else its owner has made.
ARG OWNER=
LABEL cometbench.owner=$OWNER
# The certificates, the sources and pip's files stay behind.
FROM ${BASE}
ENV PYTHONUSERBASE=/opt/comet PATH=/opt/comet/bin:/usr/local/bin:/usr/bin:/bin PYTHONDONTWRITEBYTECODE=1
COPY --from=build /opt/comet /opt/comet
# Twisted caches its plugins beside them, which a read-only file system forbids
# later; and what doesn't start is better known now.
RUN twistd comet --help >/opt/comet/help
