;; The Internet checksum of RFC 1071 over an imported memory, sixteen octets at a time.
;; sum(offset, length) gives the one's complement sum of big-endian words, modulo 65,535.
;; Lengths stay below 512 KiB: each 32-bit lane takes two words per load and so holds 32,768 loads.
(module
  (import "arena" "memory" (memory 1))
  (func (export "sum") (param $at i32) (param $length i32) (result i32)
    (local $end i32) (local $a v128) (local $b v128) (local $sum i64)
    (local.set $end (i32.add (local.get $at) (i32.and (local.get $length) (i32.const -64))))
    (block $done
      (loop $blocks
        (br_if $done (i32.ge_u (local.get $at) (local.get $end)))
        (local.set $a (i32x4.add (local.get $a) (i32x4.extadd_pairwise_i16x8_u (v128.load (local.get $at)))))
        (local.set $b (i32x4.add (local.get $b) (i32x4.extadd_pairwise_i16x8_u (v128.load offset=16 (local.get $at)))))
        (local.set $a (i32x4.add (local.get $a) (i32x4.extadd_pairwise_i16x8_u (v128.load offset=32 (local.get $at)))))
        (local.set $b (i32x4.add (local.get $b) (i32x4.extadd_pairwise_i16x8_u (v128.load offset=48 (local.get $at)))))
        (local.set $at (i32.add (local.get $at) (i32.const 64)))
        (br $blocks)))
    ;; Widen before adding across: two lanes of 32 bits each could overflow one.
    (local.set $sum
      (i64.add
        (i64.add
          (i64.add (i64.extend_i32_u (i32x4.extract_lane 0 (local.get $a))) (i64.extend_i32_u (i32x4.extract_lane 1 (local.get $a))))
          (i64.add (i64.extend_i32_u (i32x4.extract_lane 2 (local.get $a))) (i64.extend_i32_u (i32x4.extract_lane 3 (local.get $a)))))
        (i64.add
          (i64.add (i64.extend_i32_u (i32x4.extract_lane 0 (local.get $b))) (i64.extend_i32_u (i32x4.extract_lane 1 (local.get $b))))
          (i64.add (i64.extend_i32_u (i32x4.extract_lane 2 (local.get $b))) (i64.extend_i32_u (i32x4.extract_lane 3 (local.get $b)))))))
    (local.set $end (i32.add (local.get $at) (i32.and (local.get $length) (i32.const 60))))
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
