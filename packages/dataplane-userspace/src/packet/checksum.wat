;; The Internet checksum of RFC 1071 over an imported memory, for platforms without SIMD.
;; sum(offset, length) gives the one's complement sum of big-endian words, modulo 65,535.
(module
  (import "arena" "memory" (memory 1))
  (func (export "sum") (param $at i32) (param $length i32) (result i32)
    (local $end i32) (local $sum i64) (local $other i64)
    (local.set $end (i32.add (local.get $at) (i32.and (local.get $length) (i32.const -16))))
    (block $done
      (loop $blocks
        (br_if $done (i32.ge_u (local.get $at) (local.get $end)))
        (local.set $sum (i64.add (local.get $sum) (i64.load32_u (local.get $at))))
        (local.set $other (i64.add (local.get $other) (i64.load32_u offset=4 (local.get $at))))
        (local.set $sum (i64.add (local.get $sum) (i64.load32_u offset=8 (local.get $at))))
        (local.set $other (i64.add (local.get $other) (i64.load32_u offset=12 (local.get $at))))
        (local.set $at (i32.add (local.get $at) (i32.const 16)))
        (br $blocks)))
    (local.set $sum (i64.add (local.get $sum) (local.get $other)))
    (local.set $end (i32.add (local.get $at) (i32.and (local.get $length) (i32.const 12))))
    (block $done
      (loop $words
        (br_if $done (i32.ge_u (local.get $at) (local.get $end)))
        (local.set $sum (i64.add (local.get $sum) (i64.load32_u (local.get $at))))
        (local.set $at (i32.add (local.get $at) (i32.const 4)))
        (br $words)))
    (if (i32.and (local.get $length) (i32.const 2))
      (then
        (local.set $sum (i64.add (local.get $sum) (i64.load16_u (local.get $at))))
        (local.set $at (i32.add (local.get $at) (i32.const 2)))))
    (if (i32.and (local.get $length) (i32.const 1))
      (then (local.set $sum (i64.add (local.get $sum) (i64.load8_u (local.get $at))))))
    ;; Reduce, then swap the two octets: the loads were little-endian.
    (local.set $end (i32.wrap_i64 (i64.rem_u (local.get $sum) (i64.const 65535))))
    (i32.or
      (i32.shl (i32.and (local.get $end) (i32.const 255)) (i32.const 8))
      (i32.shr_u (local.get $end) (i32.const 8)))))
