// SPDX-License-Identifier: Apache-2.0
//
// A handler that a blank process practises with.
"use strict";

exports.handler = async (event) => event;
